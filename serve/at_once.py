"""Several pieces of work at the same time, none of them cut off by what befalls another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

R = TypeVar("R")


async def at_once(work: Sequence[Coroutine[Any, Any, R]]) -> list[R | BaseException]:
    """What each came to, in order: its result, or what it raised. Whoever cancels this cancels all of them."""
    if len(work) == 1:
        # A task of its own would cost two turns of the event loop, and most calls are for one picture.
        try:
            return [await work[0]]
        except Exception as error:
            return [error]
    return await asyncio.gather(*work, return_exceptions=True)
