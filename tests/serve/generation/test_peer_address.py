"""Which addresses count as the public internet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.peer_address import is_public

ADDRESSES_V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
INSIDE = [
    "0.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:100.64.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.169.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public(address: str) -> None:
    """Private, loopback, link-local, shared, multicast, reserved and metadata addresses, in every spelling of IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_public(address: str) -> None:
    """What vendors have, up to the edges of the refused blocks."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["", "ideogram.ai", "localhost", "127.1", "0x7f000001", "2130706433", "/run/x.sock"]
)
def test_what_is_no_address_is_not_public(address: str) -> None:
    """Names, short forms and paths prove nothing."""
    assert not is_public(address)


@given(ADDRESSES_V4)
def test_every_spelling_of_an_address_gets_one_verdict(address: IPv4Address) -> None:
    """Embedded in IPv6, an IPv4 address is judged as itself."""
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(f"{prefix}{address}") == is_public(str(address))


@given(st.one_of(ADDRESSES_V4, st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_nothing_passes_that_the_standard_library_knows_to_be_inside(address: IPv4Address | IPv6Address) -> None:
    """A second opinion: an address that is public here is private, multicast or unspecified nowhere."""
    if is_public(str(address)):
        judged = getattr(address, "ipv4_mapped", None) or address
        assert not any([judged.is_private, judged.is_multicast, judged.is_unspecified, judged.is_loopback])
