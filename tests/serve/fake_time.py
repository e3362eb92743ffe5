"""A clock that stands still until somebody sleeps by it."""

from __future__ import annotations

import asyncio
from datetime import date

from serve.clock import Clock

TODAY = date(2026, 11, 22)


class FakeTime:
    """`at` is now, in seconds; `slept` are the waits so far, in order. Waiting is over at once and moves the clock."""

    def __init__(self, today: date = TODAY) -> None:
        self.at = 1_000_000.0
        self.slept: list[float] = []
        self.clock = Clock(today=lambda: today, now=self._now, monotonic=self._now, sleep=self._sleep)

    def _now(self) -> float:
        return self.at

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)
