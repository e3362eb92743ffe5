"""The one place that makes an httpx client. One for the life of the process: a new one costs 20-37 ms a call."""

from __future__ import annotations

from importlib.metadata import version

import httpx

from serve.settings import Settings

USER_AGENT = f"prompt-intent/{version('prompt-intent')}"


def make_client(settings: Settings, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """A client over `transport`, or over the network when it is None.

    Redirects are answers, not orders: a vendor's may lead anywhere. `trust_env` is off because prompts and keys travel
    only to hosts that our own settings name, not through a proxy from a variable that was set for something else.
    """
    # Servers keep an idle connection for five seconds (uvicorn) and more. A request must not meet its closing: nobody
    # could say then whether it was read, and billed.
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=4.0)
    timeout = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout, pool=settings.connect_timeout)
    return httpx.AsyncClient(
        transport=transport,
        timeout=timeout,
        limits=limits,
        headers={"user-agent": USER_AGENT},
        follow_redirects=False,
        trust_env=False,
    )
