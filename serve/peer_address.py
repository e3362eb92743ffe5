"""Who a download is connected to: only addresses of the public internet, whatever name led there.

A listed host name proves nothing about the machine behind it: its record may point into our own network, or change
between a look-up of ours and the client's. So the address of the open connection is what is judged, before the first
byte is sent on it, and once more when the answer came over a connection that was open already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpx

# Source: IANA's special-purpose address registries (Python's `is_global` knows older ones and lets multicast through).
# The metadata services of the large clouds lie in 169.254.0.0/16, 100.64.0.0/10, 192.0.0.0/24 and fd00::/8.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's platform, on an address that only looks public
    )
)  # fmt: skip
# Of IPv6 only global unicast is public, without the blocks for tunnels, protocols and documentation.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# How a network without IPv4 reaches it: the last 32 bits are the real peer (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
_CONNECTED = "connection.connect_tcp.complete"


def is_public(address: str) -> bool:
    """Whether this IP address can be a vendor's. False for everything that is no IP address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if embedded is None:
            return ip in _GLOBAL_UNICAST and not any(ip in block for block in _NOT_PUBLIC_V6)
        ip = embedded
    return not any(ip in block for block in _NOT_PUBLIC_V4)


class PeerWatch:
    """Watches one request: pass `trace` as httpx's extension "trace", and call `check` before the body is read.

    `refuse` makes the error that both raise. A transport without a network (the sandbox in our own process) has no
    peer: it calls no `trace`, its answers have no network stream, and they pass.
    """

    def __init__(self, refuse: Callable[[], Exception]) -> None:
        self._refuse = refuse
        self._connected_to: str | None = None

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Judge a new connection: before TLS, so that a wrong peer gets not even the host's name."""
        if event != _CONNECTED:
            return
        stream = info["return_value"]
        self._connected_to = _address_of(stream)
        if self._connected_to is None or not is_public(self._connected_to):
            await stream.aclose()
            raise self._refuse()

    def check(self, response: httpx.Response) -> None:
        """Judge the connection that brought this answer; it may be an older one that `trace` never saw."""
        stream = response.extensions.get("network_stream")
        if stream is None:
            return
        # The system forgets the address of a peer that has hung up; then what `trace` saw counts.
        address = _address_of(stream) or self._connected_to
        if address is None or not is_public(address):
            raise self._refuse()


def _address_of(stream: Any) -> str | None:
    # httpcore gives (address, port), over TLS as well; a path where the connection is a Unix socket.
    peer = stream.get_extra_info("server_addr")
    return str(peer[0]) if isinstance(peer, tuple) else None
