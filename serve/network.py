"""The network as an httpx transport, over aiohttp: at 64 requests at once it does five times as much as httpx's own.

Made here and not taken from httpx-aiohttp, because bills depend on it: that one calls an answer that was cut "could not
connect", and whoever believes it draws, and pays, again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from yarl import URL

from serve.passage import PASSAGE

# What aiohttp would add where a request has none: what is sent is what was built.
_UNASKED = ("accept", "accept-encoding", "content-type", "user-agent")
# A picture comes in few pieces, and its vendor is not held up meanwhile.
_READ_BYTES = 1 << 20
_LONGEST_LINE = 64 << 10


class Network(httpx.AsyncBaseTransport):
    """Sends requests over the network, and nothing but what they say: no cookies, redirects or proxy, no order twice.

    Idle connections are kept for `keepalive_s` seconds; how many there are is for who sends to limit. The connections
    live in the event loop of the first request.
    """

    def __init__(self, keepalive_s: float) -> None:
        self._keepalive_s = keepalive_s
        # Tens of milliseconds, which the first request would wait for.
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._opened: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx asks of a transport.

        Raises:
            httpx.ConnectError, httpx.ConnectTimeout: there was no connection, so nothing was sent.
            httpx.TransportError: any other; the request may have arrived.
        """
        with _translated(request):
            answer = await self._session().request(
                request.method,
                # As it is written: a signed link means nothing once it is written in another way.
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=_timeout(request),
                trace_request_ctx=request.extensions.get(PASSAGE),
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request))

    async def aclose(self) -> None:
        """Close every connection."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=self._keepalive_s, ssl=self._tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_UNASKED,
                auto_decompress=False,
                read_bufsize=_READ_BYTES,
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
                trace_configs=[_tracing()],
            )
        return self._opened


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated(self._request):
            async for piece in self._answer.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        # One that was read to its end has given its connection back; any other takes it along.
        self._answer.close()


def _timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    wanted: dict[str, float | None] = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(sock_connect=wanted.get("connect"), sock_read=wanted.get("read"))


def _tracing() -> aiohttp.TraceConfig:
    config = aiohttp.TraceConfig()

    async def connecting(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.connecting()

    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.connected()

    config.on_connection_create_start.append(connecting)
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(connected)
    return config


@contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as error:
        slow = isinstance(error, aiohttp.ConnectionTimeoutError)
        raise (httpx.ConnectTimeout if slow else httpx.ConnectError)(str(error), request=request) from error
    except aiohttp.InvalidURL as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
    except TimeoutError as error:  # aiohttp's SocketTimeoutError is one
        raise httpx.ReadTimeout(str(error), request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
