"""A limiter in leaping time, and a request that holds a slot of it for a while."""

from __future__ import annotations

import asyncio

from serve.limiter import LaneState, Limiter
from tests.serve.resilience.leaping_time import now

IDLE = LaneState(limit=10, in_use=0, queued=0, longest_wait_s=0.0)


def make_limiter(limit: int = 10, queue: int = 100) -> Limiter:
    limiter = Limiter(queue, now)
    limiter.open({"ideogram": limit, "openai": limit})
    return limiter


async def hold(limiter: Limiter, seconds: float, weight: int = 1, timeout_s: float | None = None) -> float:
    """Take a slot for a while; gives the time it was had at."""
    async with limiter.slot("ideogram", weight, timeout_s):
        began = now()
        await asyncio.sleep(seconds)
    return began


def is_idle(limiter: Limiter) -> bool:
    return limiter.states()["ideogram"] == IDLE
