"""Which catalogue rows to leave alone for a while: one circuit breaker a row.

closed     every call passes
open       none passes until the cool-down is over
half-open  one passes, the probe: an answer closes the breaker, a failure opens it for twice as long

Why: a model that is down costs every request a timeout before the next model on the route is asked.

A call that `allow` let through ends in exactly one of three: `succeed`, `fail`, or `release` where it says nothing
about the model. A blocked prompt, a refused parameter and our own cancellation are released: a healthy model is not
cooled down for what a caller asked. For one event loop; nothing here waits.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from serve.errors import SettingsError

State = Literal["closed", "open", "half_open"]

# Of calls that begin together those that are refused end first: for each that is still under way a share is of so many
# verdicts more.
_VERDICTS_BESIDE = 4
_MOST_BESIDE = 40


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens and for how long. Counts are verdicts, of calls one after the other; times are seconds.

    Raises:
        SettingsError: a breaker that could never open or never close.
    """

    consecutive: int = 5  # where one call in ten fails by chance, five in a row happen once in 100,000 calls
    last: int = 100  # where a third fails, half of twenty does by chance within the hour, half of a hundred hardly ever
    least: int = 60  # a share of fewer calls is noise
    share: float = 0.5  # at even odds the next model on the route is the better bet
    cool_down_s: float = 30.0  # a deployment or a burst of load at the vendor has passed by then
    longest_s: float = 600.0  # an outage of hours costs six probes an hour, and its end is seen within ten minutes

    def __post_init__(self) -> None:
        if self.consecutive < 1 or not 1 <= self.least <= self.last or not 0 < self.share <= 1:
            raise SettingsError("breaker: expected consecutive >= 1, 1 <= least <= last and 0 < share <= 1")
        if not 0 < self.cool_down_s <= self.longest_s:
            raise SettingsError("breaker: expected 0 < cool_down_s <= longest_s")


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A breaker as an operator sees it.

    Attributes:
        failures: how many of the last `verdicts` were failures.
        opened_for: seconds since it last opened, 0 while it is closed.
        probe_in: seconds until a probe may pass, 0 where calls pass or a probe is due or under way.
    """

    state: State
    failures: int
    verdicts: int
    opened_for: float
    probe_in: float


class Breakers:
    """The breakers of all rows; a row that was never called has a closed one. `monotonic` is in seconds."""

    def __init__(self, settings: BreakerSettings, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._breakers: defaultdict[str, _Breaker] = defaultdict(lambda: _Breaker(settings))

    def allow(self, row: str) -> bool:
        """Whether a call to `row` may start now. True obliges the caller to report how the call ended."""
        return self._breakers[row].allow(self._monotonic())

    def succeed(self, row: str) -> None:
        """The model answered."""
        self._breakers[row].succeed()

    def fail(self, row: str, beside: int = 0) -> None:
        """The model failed: 5xx, no connection, no answer in time, an empty or a broken one.

        `beside` are the other calls that are at its vendor now: so many more failures in a row it takes to open.
        """
        self._breakers[row].fail(self._monotonic(), beside)

    def release(self, row: str) -> None:
        """The call ended without a verdict on the model; after a probe, the next call is the probe."""
        self._breakers[row].release(self._monotonic())

    def states(self) -> Mapping[str, BreakerState]:
        """Every row that was ever asked about, as it stands now."""
        now = self._monotonic()
        return {row: breaker.describe(now) for row, breaker in self._breakers.items()}

    def probe_in(self, row: str) -> float:
        """Seconds until a probe may pass, 0 where calls pass or a probe is due or under way."""
        return self._breakers[row].describe(self._monotonic()).probe_in if row in self._breakers else 0.0

    def open_rows(self) -> frozenset[str]:
        """The rows that `allow` would refuse now: open, or half-open with the probe under way."""
        now = self._monotonic()
        return frozenset(row for row, breaker in self._breakers.items() if not breaker.passes(now))


class _Breaker:
    """One row's breaker.

    Verdicts come without the name of their call, and calls from before the opening may end beside the probe. So a
    failure beside them decides nothing until all have ended: at most one probe is ever out, and a late failure of the
    old calls cannot hide that the probe was answered. An answer, whoever got it, shows that the model is back.
    """

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        # True: failed; the latest first.
        self._verdicts: deque[bool] = deque(maxlen=settings.last + _VERDICTS_BESIDE * _MOST_BESIDE)
        self._in_a_row = 0
        self._running = 0
        self._opened_at: float | None = None
        self._cool_down = settings.cool_down_s
        self._probing = False
        self._probe_in_doubt = False

    def passes(self, now: float) -> bool:
        return self._opened_at is None or (not self._probing and self._probe_in(now) <= 0)

    def allow(self, now: float) -> bool:
        if not self.passes(now):
            return False
        self._probing = self._opened_at is not None
        self._running += 1
        return True

    def succeed(self) -> None:
        self._end_call()
        if self._probing:
            self._close()
        elif self._opened_at is None:
            self._verdicts.appendleft(False)
            self._in_a_row = 0

    def fail(self, now: float, beside: int) -> None:
        self._end_call()
        if self._probing:
            self._probe_in_doubt = True
            self._settle_probe(now)
        elif self._opened_at is None:
            self._verdicts.appendleft(True)
            self._in_a_row += 1
            # Only a failure opens: a model that has just answered is not taken off the route.
            self._opened_at = now if self._is_failing(beside) else None

    def release(self, now: float) -> None:
        self._end_call()
        if self._probing:
            self._settle_probe(now)

    def describe(self, now: float) -> BreakerState:
        opened_for = 0.0 if self._opened_at is None else now - self._opened_at
        probe_in = 0.0 if self._opened_at is None else max(0.0, self._probe_in(now))
        recent = self._recent(self._settings.last)
        return BreakerState(self._state(now), sum(recent), len(recent), opened_for, probe_in)

    def _state(self, now: float) -> State:
        if self._opened_at is None:
            return "closed"
        return "open" if self._probe_in(now) > 0 else "half_open"

    def _probe_in(self, now: float) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self._cool_down - now

    def _is_failing(self, beside: int) -> bool:
        if self._in_a_row >= self._settings.consecutive + beside:
            return True
        more = _VERDICTS_BESIDE * min(beside, _MOST_BESIDE)
        recent = self._recent(self._settings.last + more)
        return len(recent) >= self._settings.least + more and sum(recent) >= self._settings.share * len(recent)

    def _recent(self, verdicts: int) -> list[bool]:
        return list(islice(self._verdicts, verdicts))

    def _end_call(self) -> None:
        self._running = max(0, self._running - 1)

    def _settle_probe(self, now: float) -> None:
        if self._running:
            return
        self._probing = False
        if self._probe_in_doubt:
            self._probe_in_doubt = False
            self._opened_at = now
            self._cool_down = min(2 * self._cool_down, self._settings.longest_s)

    def _close(self) -> None:
        self._opened_at = None
        self._probing = self._probe_in_doubt = False
        self._cool_down = self._settings.cool_down_s
        self._verdicts.clear()
        self._in_a_row = 0
