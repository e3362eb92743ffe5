"""Ctrl-C: the first asks for an end and waits for what is paid for, the second leaves at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible(stop: asyncio.Event, tell: Callable[[], None]) -> Iterator[None]:
    """Within the block the first SIGINT sets `stop` and calls `tell`, the next cancels the task that entered it.

    Where the event loop cannot listen to signals (Windows), the first one cancels, as `asyncio.run` sees to.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def interrupted() -> None:
        if not stop.is_set():
            stop.set()
            tell()
        elif task is not None:
            task.cancel()

    try:
        loop.add_signal_handler(signal.SIGINT, interrupted)
    except (NotImplementedError, RuntimeError, ValueError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
