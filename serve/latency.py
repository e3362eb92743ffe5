"""How fast each catalogue row has been of late: the rolling median that routes go by.

Only measurements of this process count. They are forgotten after a while: a model that ranks behind for being slow gets
no calls, so nothing else would ever show that it is fast again.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from serve.errors import SettingsError


@dataclass(frozen=True, slots=True)
class _Measured:
    """`by_time`: (measured at, milliseconds), oldest first. `sizes`: the milliseconds, sorted: every request asks."""

    by_time: deque[tuple[float, float]] = field(default_factory=deque)
    sizes: list[float] = field(default_factory=list)

    def add(self, now: float, ms: float) -> None:
        self.by_time.append((now, ms))
        insort(self.sizes, ms)

    def forget_oldest(self) -> None:
        _, ms = self.by_time.popleft()
        del self.sizes[bisect_left(self.sizes, ms)]


class Latencies:
    """The last `window` latencies of each row, none older than `forget_s` seconds; fewer than `least` say nothing.

    Defaults: 100 smooth single slow calls and follow a change within the hour; 5 keep one outlier from deciding; an
    hour is about how long a vendor's slow spell lasts.

    Raises:
        SettingsError: a window that could never hold enough.
    """

    def __init__(
        self,
        window: int = 100,
        least: int = 5,
        forget_s: float = 3600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 1 <= least <= window or not forget_s > 0:
            raise SettingsError("latencies: expected 1 <= least <= window and forget_s > 0")
        self._window = window
        self._least = least
        self._forget_s = forget_s
        self._monotonic = monotonic
        self._measured: dict[str, _Measured] = {}

    def record(self, row: str, ms: float) -> None:
        """An answered call to `row` took `ms` milliseconds. Failures are not latencies: leave them out."""
        measured = self._measured.setdefault(row, _Measured())
        if len(measured.sizes) == self._window:
            measured.forget_oldest()
        measured.add(self._monotonic(), ms)

    def p50(self, row: str) -> float | None:
        """The row's median in milliseconds, None where too little was measured."""
        recent = self._recent(row)
        return median(recent) if len(recent) >= self._least else None

    def medians(self) -> dict[str, float]:
        """The medians in milliseconds of all rows that have one."""
        medians = {row: self.p50(row) for row in self._measured}
        return {row: ms for row, ms in medians.items() if ms is not None}

    def _recent(self, row: str) -> list[float]:
        measured = self._measured.get(row)
        if measured is None:
            return []
        oldest = self._monotonic() - self._forget_s
        while measured.sizes and measured.by_time[0][0] < oldest:
            measured.forget_oldest()
        return measured.sizes
