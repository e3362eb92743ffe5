"""The network as a transport: what went out, and what every way to fail is called. Bills hang on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from serve.network import Network
from serve.passage import PASSAGE, Passage

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nset-cookie: a=b\r\n\r\nok"


class Listener:
    """A server on the loopback that keeps what it read and then does as it is told."""

    def __init__(self, *replies: bytes | None) -> None:
        self._replies = iter(replies)
        self.heard: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a reply a request; None hangs up, and so does the end of the replies."""
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heard.append(head)
                reply = next(self._replies, None)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def post(url: str, passage: Passage | None = None) -> httpx.Request:
    """A request without a body, as somebody built it."""
    extensions = {PASSAGE: passage} if passage else {}
    return httpx.Request("POST", url, headers={"x-key": "k", "content-length": "0"}, extensions=extensions)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Network(4.0), timeout=httpx.Timeout(0.5), trust_env=False) as client:
        yield client


async def test_what_was_built_is_what_is_sent(client: httpx.AsyncClient) -> None:
    """The address as it is written, the headers and no others, and no cookie of an earlier answer."""
    listener = Listener(OK, OK)
    async with listening(listener) as url:
        for _ in range(2):
            request = httpx.Request("GET", f"{url}/a%2Fb?sig=x%2By%3D", headers={"x-key": "k"})
            assert (await client.send(request)).text == "ok"
            client.cookies.clear()
    first, second = listener.heard
    assert first == second
    assert first.startswith(b"GET /a%2Fb?sig=x%2By%3D HTTP/1.1\r\n")
    names = [line.partition(b":")[0].lower() for line in first.split(b"\r\n")[1:] if line]
    assert sorted(names) == [b"host", b"x-key"]
    assert listener.connections == 1


async def test_a_redirect_is_an_answer(client: httpx.AsyncClient) -> None:
    """Nobody follows it, whatever the method."""
    listener = Listener(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
    async with listening(listener) as url:
        assert (await client.send(httpx.Request("GET", url))).status_code == 302
    assert len(listener.heard) == 1


async def test_nobody_there_got_nothing(client: httpx.AsyncClient) -> None:
    """A refused connection is told from every other end."""
    async with listening(Listener()) as url:
        pass
    passage = Passage()
    passage.begun = True
    with pytest.raises(httpx.ConnectError):
        await client.send(post(url, passage))
    assert not passage.may_have_left


@pytest.mark.parametrize("cut", [None, b"", b"HTTP/1.1 200 OK\r\ncontent-le", b"no HTTP at all\r\n\r\n"])
async def test_a_cut_before_the_answer_is_no_failure_to_connect(client: httpx.AsyncClient, cut: bytes | None) -> None:
    """Whoever was connected may have read it, drawn, and billed; and nobody sends it again."""
    listener, passage = Listener(*([cut, None] if cut is not None else [])), Passage()
    passage.begun = True
    async with listening(listener) as url:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout)):
            await client.send(post(url, passage))
    assert passage.may_have_left
    assert listener.connections == 1


async def test_a_cut_inside_the_answer_is_no_failure_to_connect(client: httpx.AsyncClient) -> None:
    """Half a body is told while it is read."""

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with listening(half) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.send(post(url))


async def test_silence_is_a_read_timeout(client: httpx.AsyncClient) -> None:
    """The time to read counts from one piece to the next."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(silent) as url:
        with pytest.raises(httpx.ReadTimeout):
            await client.send(post(url))


async def test_a_connection_that_the_server_closed_is_not_used_again(client: httpx.AsyncClient) -> None:
    """Its next request gets a new one."""
    listener = Listener(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok", OK)
    async with listening(listener) as url:
        for _ in range(2):
            assert (await client.send(post(url))).text == "ok"
    assert listener.connections == 2


async def test_a_reused_connection_may_carry_what_is_sent(client: httpx.AsyncClient) -> None:
    """There is nothing to connect to, and still it leaves."""
    async with listening(Listener(OK, OK)) as url:
        await client.send(post(url))
        passage = Passage()
        passage.begun = True
        await client.send(post(url, passage))
    assert passage.may_have_left


async def test_an_answer_that_is_left_unread_takes_its_connection_along(client: httpx.AsyncClient) -> None:
    """The rest of it must not be taken for the next answer."""
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000
    listener = Listener(long, OK)
    async with listening(listener) as url:
        response = await client.send(post(url), stream=True)
        await response.aclose()
        assert (await client.send(post(url))).text == "ok"
    assert listener.connections == 2
