"""The connection to the caller: sends a reply whole, in drips or in half, or cuts it.

Cutting: ASGI has no message that drops a connection, and uvicorn answers an application that raises or returns early
with a tidy 500. So on a real port the transport behind `send` is closed: uvicorn passes the bound method of its request
cycle, which owns it. In process there is no socket to cut; there the error that httpx makes of a cut is raised instead,
and `httpx.ASGITransport` hands it to the client.
"""

from __future__ import annotations

import asyncio
import json

import anyio
import httpx
from starlette.types import Receive, Send

from serve.sandbox.desk import Reply

_DRIPS_A_SECOND = 20


class Line:
    """One caller on the line. `receive` and `send` must be the server's own, not wrapped by middleware."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def send(self, reply: Reply, *, bytes_per_second: int | None = None) -> None:
        """The reply, whole or dripping."""
        content = await self._send_head(reply)
        if bytes_per_second is None:
            await self._send_part(content, more=False)
        else:
            await self._drip(content, bytes_per_second)

    async def send_half(self, reply: Reply) -> None:
        """The reply's head and half of its body, then a cut.

        Raises:
            httpx.RemoteProtocolError: in process.
        """
        content = await self._send_head(reply)
        half = content[: len(content) // 2]
        await self._send_part(half, more=True)
        transport = self._transport()
        if transport is None:
            told = f"received {len(half)} bytes, expected {len(content)}"
            raise httpx.RemoteProtocolError(f"peer closed connection without sending complete message body ({told})")
        # `close`, for `abort` would drop the half that is still in the buffer.
        transport.close()
        await self._gone()

    async def cut(self) -> None:
        """No answer at all: the connection goes away.

        Raises:
            httpx.RemoteProtocolError: in process.
        """
        transport = self._transport()
        if transport is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        transport.abort()
        await self._gone()

    def _transport(self) -> asyncio.Transport | None:
        transport: asyncio.Transport | None = getattr(getattr(self._send, "__self__", None), "transport", None)
        return transport

    async def _gone(self) -> None:
        # An application that returns before uvicorn has noticed is taken for a faulty one, and answered for with a 500.
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send_head(self, reply: Reply) -> bytes:
        if isinstance(reply.body, str):
            kind, content = "text/plain; charset=utf-8", reply.body.encode()
        else:
            kind, content = "application/json", json.dumps(reply.body, ensure_ascii=False).encode()
        headers = {"content-type": kind, "content-length": str(len(content)), **reply.headers}
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": raw})
        return content

    async def _send_part(self, content: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})

    async def _drip(self, content: bytes, bytes_per_second: int) -> None:
        """Send slowly, and stop when the caller hangs up: nobody waits for the rest."""
        async with anyio.create_task_group() as group:

            async def stop_when_gone() -> None:
                await self._gone()
                group.cancel_scope.cancel()

            group.start_soon(stop_when_gone)
            size = max(1, bytes_per_second // _DRIPS_A_SECOND)
            for at in range(0, len(content), size):
                await anyio.sleep(min(size, len(content) - at) / bytes_per_second)
                await self._send_part(content[at : at + size], more=True)
            await self._send_part(b"", more=False)
            group.cancel_scope.cancel()
