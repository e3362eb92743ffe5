"""Server-sent events: how an answer that takes long is told over a connection that must not fall silent.

The head of a response says its status, and cannot be taken back. So it is held back while the work goes on, until
there is something to tell or the first sign of life is due: whatever is refused, or fails soon, has its real status.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from pydantic import BaseModel

from serve.clock import Clock

MEDIA_TYPE = "text/event-stream"
# Proxies: nginx collects an answer unless it is told not to.
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
PING = b": ping\n\n"
PING_SECONDS = 15.0
"""Proxies and load balancers cut a silent connection after 30 seconds or more."""

_Result = TypeVar("_Result")


async def is_over(work: asyncio.Task[_Result], clock: Clock) -> bool:
    """Wait for `work` until a sign of life is due; whether it is done. It goes on either way."""
    pause = asyncio.ensure_future(clock.sleep(PING_SECONDS))
    try:
        await asyncio.wait((work, pause), return_when=asyncio.FIRST_COMPLETED)
    finally:
        pause.cancel()
    return work.done()


async def pings(work: asyncio.Task[_Result], clock: Clock) -> AsyncIterator[bytes]:
    """A comment at once, and one whenever it is due, until `work` is done."""
    yield PING
    while not await is_over(work, clock):
        yield PING


def event(kind: str, data: bytes) -> bytes:
    """One event; `data` is JSON without line breaks."""
    return b"".join((b"event: ", kind.encode(), b"\ndata: ", data, b"\n\n"))


def error_event(error: BaseModel) -> bytes:
    """An error that comes after the response's head: OpenAI's clients raise it."""
    return event("error", error.model_dump_json().encode())
