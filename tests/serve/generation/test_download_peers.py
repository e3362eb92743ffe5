"""Downloads over real connections: who is at the other end, whatever name led there, and when they are cut off."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from httpcore._backends.anyio import AnyIOStream

from serve.catalog import load_catalog
from serve.client import USER_AGENT, make_link_client
from serve.downloads import Downloads
from serve.errors import UpstreamError
from serve.settings import Settings
from serve.targets import Targets
from tests.serve.generation.sample_pictures import pngs

LINK = "https://ideogram.ai/x.png"
Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Host:
    """A server on loopback; what it saw of its visitors."""

    def __init__(self, talk: Talk) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0
        self.talk = talk

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                await self.talk(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    @asynccontextmanager
    async def open(self, context: ssl.SSLContext | None) -> AsyncIterator[Host]:
        """Serve until the block ends and every visitor has left, as every one must."""
        visits: list[asyncio.Task[None]] = []

        def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            visits.append(asyncio.create_task(self._visit(reader, writer)))

        async with await asyncio.start_server(visited, "127.0.0.1", 0, ssl=context) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self
            async with asyncio.timeout(60):
                await asyncio.gather(*visits)


class Posing(AnyIOStream):
    """A connection whose peer seems to have another address."""

    def __init__(self, inner: AnyIOStream, address: str) -> None:
        super().__init__(inner._stream)
        self._address = address

    async def start_tls(self, *given: Any, **named: Any) -> Posing:
        return Posing(await super().start_tls(*given, **named), self._address)

    def get_extra_info(self, info: str) -> Any:
        return (self._address, 443) if info == "server_addr" else super().get_extra_info(info)


class Resolver(httpcore.AnyIOBackend):
    """Every host name leads to one port on loopback; with `address`, the peer poses as that."""

    def __init__(self, port: int, address: str | None = None) -> None:
        self._port, self._address = port, address

    async def connect_tcp(self, host: str, port: int, *rest: Any, **named: Any) -> AnyIOStream:
        stream = await super().connect_tcp("127.0.0.1", self._port, *rest, **named)
        return stream if self._address is None else Posing(stream, self._address)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for ideogram.ai, signed by itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("ideogram.ai")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "identity.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server_tls(identity: Path) -> ssl.SSLContext:
    """What the server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    return context


@pytest.fixture
def client_tls(identity: Path) -> ssl.SSLContext:
    """What the client believes."""
    return ssl.create_default_context(cafile=str(identity))


def network(resolver: httpcore.AnyIOBackend, context: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    transport = httpx.AsyncHTTPTransport()
    # httpx has no argument for what its pool connects with.
    transport._pool = httpcore.AsyncConnectionPool(ssl_context=context, network_backend=resolver)
    return transport


def sends(body: bytes) -> Talk:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return talk


async def fetch(
    client: httpx.AsyncClient,
    settings: Settings,
    link: str = LINK,
    timeout_s: float = 30.0,
    within_s: float | None = None,
) -> bytes:
    targets = Targets.from_settings(settings, load_catalog())
    data, _ = await Downloads(client, targets, timeout_s=timeout_s).fetch(link, "ideogram", within_s)
    return data


@pytest.mark.parametrize("link", [LINK, "https://api.ideogram.ai/x.png"])
async def test_a_listed_name_that_leads_to_loopback_gets_nothing(link: str, keyed: Settings, png: bytes) -> None:
    """The name is the vendor's, the address ours: the connection is closed before a byte, TLS's included, is sent."""
    async with Host(sends(png)).open(None) as host, make_link_client(keyed, network(Resolver(host.port))) as client:
        with pytest.raises(UpstreamError, match="public internet") as refused:
            await fetch(client, keyed, link)
    assert refused.value.billed == "yes"
    assert (host.connections, host.requests) == (1, [])


async def test_an_open_connection_to_loopback_is_not_read_from(
    keyed: Settings, png: bytes, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A call may have opened the connection that a download then goes over; its peer is judged all the same."""
    async with (
        Host(sends(png)).open(server_tls) as host,
        make_link_client(keyed, network(Resolver(host.port), client_tls)) as client,
    ):
        assert (await client.get(LINK)).content == png
        with pytest.raises(UpstreamError, match="public internet"):
            await fetch(client, keyed)
    assert (host.connections, len(host.requests)) == (1, 2)


@pytest.mark.parametrize(
    ("address", "passes"),
    [("93.184.216.34", True), ("2606:4700::1", True), ("::ffff:10.0.0.1", False), ("169.254.169.254", False)],
)
async def test_the_address_decides(
    address: str, passes: bool, keyed: Settings, png: bytes, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A peer with a public address is asked over TLS, twice over one connection, with our User-Agent and no key."""
    async with (
        Host(sends(png)).open(server_tls) as host,
        make_link_client(keyed, network(Resolver(host.port, address), client_tls)) as client,
    ):
        if passes:
            assert [await fetch(client, keyed), await fetch(client, keyed)] == [png, png]
            assert (host.connections, len(host.requests)) == (1, 2)
            assert USER_AGENT.encode() in host.requests[0]
            assert b"sk-" not in host.requests[0]
        else:
            with pytest.raises(UpstreamError, match="public internet"):
                await fetch(client, keyed)
            assert host.requests == []


async def test_the_overridden_origin_may_be_on_loopback(keyed: Settings, png: bytes) -> None:
    """A server of the operator's own is fetched from where it is; a listed host that leads there still is not."""
    async with Host(sends(png)).open(None) as host:
        own = keyed.model_copy(update={"ideogram_base_url": f"http://127.0.0.1:{host.port}/api"})
        async with make_link_client(own, None) as client:
            assert await fetch(client, own, f"http://127.0.0.1:{host.port}/pictures/x.png") == png
        async with make_link_client(own, network(Resolver(host.port))) as client:
            with pytest.raises(UpstreamError, match="public internet"):
                await fetch(client, own)
    assert len(host.requests) == 1


@pytest.mark.parametrize("secure", [False, True])
async def test_the_client_tells_the_peers_address(
    secure: bool, keyed: Settings, png: bytes, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """What the check rests on: httpx names the address of the socket, with TLS around it and without."""
    async with (
        Host(sends(png)).open(server_tls if secure else None) as host,
        make_link_client(keyed, network(Resolver(host.port), client_tls)) as client,
        client.stream("GET", LINK if secure else "http://ideogram.ai/x.png") as response,
    ):
        assert response.extensions["network_stream"].get_extra_info("server_addr") == ("127.0.0.1", host.port)
        await response.aread()


def endless(beginning: bytes, sent: list[int]) -> Talk:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + beginning)
        while sum(sent) < 1 << 28:
            writer.write(bytes(1 << 16))
            await writer.drain()
            sent.append(1 << 16)

    return talk


@pytest.mark.parametrize(
    ("beginning", "cause"),
    [
        (b"<html>", "neither PNG"),
        (pngs()["png RGB"][:40], "damaged"),
        (b"RIFF\xff\xff\xff\xffWEBP", "limit of 52428800"),
    ],
)
async def test_the_first_violation_ends_the_download(beginning: bytes, cause: str, keyed: Settings) -> None:
    """A server that would never stop sending is left as soon as its bytes are wrong."""
    sent: list[int] = []
    async with Host(endless(beginning, sent)).open(None) as host:
        own = keyed.model_copy(update={"ideogram_base_url": f"http://127.0.0.1:{host.port}"})
        async with make_link_client(own, None) as client:
            with pytest.raises(UpstreamError, match=cause):
                await fetch(client, own, f"http://127.0.0.1:{host.port}/x.png")
    assert sum(sent) < 1 << 26


@pytest.mark.parametrize(("timeout_s", "within_s"), [(0.05, None), (0.05, 30.0), (30.0, 0.05)])
async def test_a_download_that_stalls_is_given_up(
    timeout_s: float, within_s: float | None, keyed: Settings, png: bytes
) -> None:
    """However patient the client's reads are, the whole download has a limit of its own, and its caller's."""

    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(png) + png[:-1])
        await writer.drain()

    async with Host(stall).open(None) as host:
        own = keyed.model_copy(update={"ideogram_base_url": f"http://127.0.0.1:{host.port}"})
        async with make_link_client(own, None) as client:
            with pytest.raises(UpstreamError, match=r"within 0\.05 s") as refused:
                await fetch(client, own, f"http://127.0.0.1:{host.port}/x.png", timeout_s, within_s)
    assert refused.value.billed == "yes"
