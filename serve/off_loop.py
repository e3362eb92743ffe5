"""Work whose time grows with a size: small on the event loop, large in a worker thread.

A hop to a thread and back costs more than looking through a few kilobytes, most of all when the loop is busy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio.to_thread

# Parsing JSON takes about a millisecond for each 100 kB: pictures do that to the event loop, refusals and links do not.
LARGE_BYTES = 64 << 10

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


async def off_loop(work: Callable[[*Ts], R], *args: *Ts, size: float) -> R:
    """What `work` returns or raises; `size` are the bytes that it looks through."""
    return work(*args) if size <= LARGE_BYTES else await anyio.to_thread.run_sync(work, *args)
