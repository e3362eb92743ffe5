"""What goes out of the server's transport: an answer in one piece, a stream as it comes, and nothing is kept back."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from serve.joined_writes import JoinedWrites, Protocol

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"{}"


class Wire(asyncio.Transport):
    """Notes every packet."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def write(self, data: object) -> None:
        """One packet."""
        self.packets.append(bytes(cast("bytes", data)))

    def writelines(self, pieces: object) -> None:
        """One packet of all."""
        self.packets.append(b"".join(cast("tuple[bytes, ...]", pieces)))

    def close(self) -> None:
        """The end of it."""
        self.packets.append(b"closed")


async def test_a_head_goes_out_with_its_body() -> None:
    wire = Wire()
    joined = JoinedWrites(wire)
    for data in (HEAD, BODY, b"more", HEAD, BODY):
        joined.write(data)
    await asyncio.sleep(0)
    assert wire.packets == [HEAD + BODY, b"more", HEAD + BODY]


async def test_a_head_waits_for_nobody_longer_than_a_turn() -> None:
    """As that of a stream, or of an answer without a body."""
    wire = Wire()
    joined = JoinedWrites(wire)
    joined.write(HEAD)
    assert wire.packets == []
    await asyncio.sleep(0)
    joined.write(BODY)
    assert wire.packets == [HEAD, BODY]


async def test_a_close_keeps_nothing_back() -> None:
    wire = Wire()
    joined = JoinedWrites(wire)
    joined.write(HEAD)
    joined.close()
    assert wire.packets == [HEAD, b"closed"]


@pytest.fixture
def port() -> Iterator[int]:
    """uvicorn with our protocol before an application that answers, or (`/stream`) begins and says no more."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        streams = scope["path"] == "/stream"
        headers = [] if streams else [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if streams:
            await receive()
            await receive()  # until the caller goes
        await send({"type": "http.response.body", "body": BODY})

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, http=Protocol, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def test_over_a_real_connection(port: int) -> None:
    """Two answers on one connection, then a stream's head, which comes although its body never does."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as caller:
        for _ in range(2):
            caller.sendall(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
            assert caller.recv(4096).endswith(b"\r\n\r\n" + BODY)
        caller.sendall(b"GET /stream HTTP/1.1\r\nhost: here\r\n\r\n")
        assert caller.recv(4096).startswith(b"HTTP/1.1 200 OK")
