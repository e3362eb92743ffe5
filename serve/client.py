"""The one place that makes httpx clients. Two for the life of the process: a new one costs 20-37 ms a call."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

import anyio.to_thread
import httpx

from serve.settings import Settings
from serve.targets import Targets

USER_AGENT = f"prompt-intent/{version('prompt-intent')}"


# Servers keep an idle connection for five seconds (uvicorn) and more. A request must not meet its closing: nobody
# could say then whether it was read, and billed.
_KEEPALIVE_S = 4.0


class VendorClient(httpx.AsyncClient):
    """Sends what was built, as it was built: no cookie, redirect or credential of its own, so no time for them."""

    def __init__(self, transport: httpx.AsyncBaseTransport, **settings: Any) -> None:
        super().__init__(transport=transport, **settings)
        self._way_out = transport

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """As httpx's own, for a request that says all that it needs."""
        request.extensions.setdefault("timeout", self.timeout.as_dict())
        response = await self._way_out.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response


def make_client(settings: Settings, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """The client that asks vendors, over `transport`, or over the network when it is None."""
    return VendorClient(transport or _network(), **_manners(settings))


def _network() -> httpx.AsyncBaseTransport:
    # aiohttp is a tenth of a start, and a process without keys asks nobody.
    from serve.network import Network  # noqa: PLC0415

    return Network(_KEEPALIVE_S)


def make_link_client(settings: Settings, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """The client that follows links. Over httpx's own network, which shows every connection before it is used."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50, keepalive_expiry=_KEEPALIVE_S)
    return httpx.AsyncClient(
        transport=transport or httpx.AsyncHTTPTransport(limits=limits, trust_env=False), **_manners(settings)
    )


def _manners(settings: Settings) -> dict[str, Any]:
    """No limit to its connections: the limiter counts by provider, and a slow one must not take those of the others.

    Redirects are answers, not orders: a vendor's may lead anywhere. `trust_env` is off because prompts and keys travel
    only to hosts that our own settings name, not through a proxy from a variable that was set for something else.
    """
    timeout = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout)
    return {
        "timeout": timeout,
        "headers": {"user-agent": USER_AGENT},
        "follow_redirects": False,
        "trust_env": False,
    }


class _Sandbox(httpx.AsyncBaseTransport):
    """The sandbox in this process, opened by the first request: its drawing libraries would hold up every start."""

    def __init__(self) -> None:
        self._opening = asyncio.Lock()
        self._opened: httpx.ASGITransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx asks of a transport."""
        async with self._opening:
            if self._opened is None:
                self._opened = await anyio.to_thread.run_sync(_open_sandbox)
        return await self._opened.handle_async_request(request)


def _open_sandbox() -> httpx.ASGITransport:
    # A process with real keys never pays for it.
    from serve.sandbox.app import create_sandbox  # noqa: PLC0415

    return httpx.ASGITransport(app=create_sandbox())


def way_out(targets: Targets) -> httpx.AsyncBaseTransport | None:
    """The sandbox as a client's only way out, so that such a process has no connection to open; else the network."""
    return _Sandbox() if targets.sandbox else None
