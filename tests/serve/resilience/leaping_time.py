"""An event loop whose clock leaps to the next timer: waits of hours pass at once, and in the right order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _LeapingSelector(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "every task waits for something that nobody will do"
        self.now += timeout
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its `time` starts at 0 and is a clock for the code under test too."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on such a loop."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(coroutine)


def now() -> float:
    """Seconds on the running loop's clock."""
    return asyncio.get_running_loop().time()


async def settle() -> None:
    """Let every task go on until it waits; no time passes."""
    for _ in range(12):
        await asyncio.sleep(0)
