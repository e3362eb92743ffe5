"""How much a provider is asked at once: slots by weight, and a short queue that refuses rather than grows.

Why: Ideogram counts images in flight, not requests, and answers an eleventh with 429; a slow provider must not fill
memory and connections until the others starve. So every provider has a limit and a queue of its own.

First come, first served: nobody overtakes, so a request for many images is not starved by those for one.
For one event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from serve.errors import OverloadedError, SettingsError

# Slots are timed to tell those who wait what to expect; fewer than five say nothing.
_TIMED = 20
_ENOUGH = 5
_LONGEST_HINT_S = 60.0

# Requests that wait for a provider: at ten seconds a picture and ten at once the last of them waits under two minutes.
QUEUE = 100


@dataclass(frozen=True, slots=True)
class LaneState:
    """A provider's slots as an operator sees them: images, requests waiting, and the first one's wait in seconds."""

    limit: int
    in_use: int
    queued: int
    longest_wait_s: float


class Limiter:
    """The lanes of all providers that have a limit. `queue` requests wait for each. `monotonic` is in seconds.

    Raises:
        SettingsError: a negative queue. One of 0 is one: who cannot start is refused.
    """

    def __init__(self, queue: int, monotonic: Callable[[], float]) -> None:
        if queue < 0:
            raise SettingsError("limits: the queue cannot be negative; 0 refuses whoever cannot start at once")
        self._queue = queue
        self._monotonic = monotonic
        self._lanes: dict[str, _Lane] = {}

    def open(self, limits: Mapping[str, int]) -> None:
        """Open a lane of so many images for each provider, before anybody asks for a slot of it.

        Raises:
            SettingsError: a limit under 1.
        """
        for provider, limit in limits.items():
            if limit < 1:
                raise SettingsError(f"limits: {provider} needs at least 1; leave it out for no limit")
            self._lanes[provider] = _Lane(provider, limit, self._queue, self._monotonic)

    @asynccontextmanager
    async def slot(self, provider: str, weight: int, timeout_s: float | None) -> AsyncIterator[float]:
        """Hold `weight` images' worth of `provider` for the length of the block; gives the seconds waited for it.

        A weight over the limit takes the whole limit, one under 1 counts as 1. `timeout_s` None waits as long as it
        takes, 0 or less not at all. A provider without a limit is never waited for.

        Raises:
            OverloadedError: the queue is full, or no slot came, or by past calls can come, within `timeout_s`.
        """
        lane = self._lanes.get(provider)
        if lane is None:
            yield 0.0
            return
        asked, weight = self._monotonic(), max(1, min(weight, lane.limit))
        await lane.enter(weight, timeout_s)
        started = self._monotonic()
        try:
            yield started - asked
        finally:
            lane.leave(weight, self._monotonic() - started)

    def states(self) -> Mapping[str, LaneState]:
        """Every provider with a limit, as it stands now."""
        return {provider: lane.describe() for provider, lane in self._lanes.items()}


@dataclass(slots=True, eq=False)
class _Waiter:
    """`turn` becomes True with the slot, False when the time is up."""

    weight: int
    turn: asyncio.Future[bool]
    since: float


class _Lane:
    def __init__(self, provider: str, limit: int, queue: int, monotonic: Callable[[], float]) -> None:
        self.limit = limit
        self._provider = provider
        self._queue = queue
        self._monotonic = monotonic
        self._in_use = 0
        self._waiting: deque[_Waiter] = deque()
        self._holds: deque[float] = deque(maxlen=_TIMED)

    def describe(self) -> LaneState:
        longest = self._monotonic() - self._waiting[0].since if self._waiting else 0.0
        return LaneState(self.limit, self._in_use, len(self._waiting), longest)

    async def enter(self, weight: int, timeout_s: float | None) -> None:
        if not self._waiting and self._in_use + weight <= self.limit:
            self._in_use += weight
            return
        if len(self._waiting) >= self._queue:
            raise self._overloaded(f"the queue of {self._queue} is full")
        if timeout_s is not None and self._expected_wait(weight) >= timeout_s:
            raise self._overloaded(f"no slot can be expected within the {max(0.0, timeout_s):g} s there are for it")
        if not await self._wait(weight, timeout_s):
            raise self._overloaded(f"no slot came free within {timeout_s:g} s")

    def leave(self, weight: int, held_s: float) -> None:
        self._holds.append(held_s)
        self._give_back(weight)

    async def _wait(self, weight: int, timeout_s: float | None) -> bool:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(weight, loop.create_future(), self._monotonic())
        self._waiting.append(waiter)
        timer = None if timeout_s is None else loop.call_later(timeout_s, self._expire, waiter)
        try:
            return await waiter.turn
        except BaseException:
            self._abandon(waiter)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _expire(self, waiter: _Waiter) -> None:
        if not waiter.turn.done():
            self._waiting.remove(waiter)
            waiter.turn.set_result(False)
            self._admit()

    def _abandon(self, waiter: _Waiter) -> None:
        """The waiting task is cancelled, perhaps just after its turn came: then the slot goes to the next."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
            self._admit()
        elif not waiter.turn.cancelled() and waiter.turn.result():
            self._give_back(waiter.weight)

    def _give_back(self, weight: int) -> None:
        self._in_use -= weight
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            first = self._waiting[0]
            # A cancelled task leaves the queue at its next step, and must not be given a slot before that.
            if not first.turn.done():
                if self._in_use + first.weight > self.limit:
                    return
                self._in_use += first.weight
                first.turn.set_result(True)
            self._waiting.popleft()

    def _expected_wait(self, weight: int) -> float:
        """Seconds, on the low side: as if all slots came free now, and each held as long as the middle one of late."""
        ahead = sum(waiter.weight for waiter in self._waiting)
        return (ahead + weight - 1) // self.limit * self._usual_hold(0.0)

    def _usual_hold(self, unknown: float) -> float:
        return median(self._holds) if len(self._holds) >= _ENOUGH else unknown

    def _overloaded(self, what: str) -> OverloadedError:
        rounds = 1 + sum(waiter.weight for waiter in self._waiting) // self.limit
        seconds = max(1, math.ceil(min(_LONGEST_HINT_S, rounds * self._usual_hold(1.0))))
        message = f"{self._provider}: images in flight {self._in_use} of {self.limit}, and {what}"
        return OverloadedError(f"{message}; try again in {seconds} s", retry_after=seconds)
