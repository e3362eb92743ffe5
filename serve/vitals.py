"""What this process has learned of the models by calling them: who is fast, failing, busy, ending or gone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date

import httpx
import structlog

from serve.breaker import Breakers, BreakerSettings
from serve.catalog import Model
from serve.clock import Clock
from serve.constraints import Health
from serve.latency import Latencies
from serve.limiter import QUEUE, Limiter
from serve.retry import RetryBudget
from serve.sunset import Sunsets, describe, signals
from serve.targets import Targets

# Some 404s speak of a wrong path or an account, and end: only a vendor's plain word is believed for good.
_DOUBTFUL_GONE_S = 600.0
# Extra calls to a row that has answered nothing yet: with four rows on a route, a fifth of 300 requests.
_FREE_EXTRAS = 15
# With 2, a row that is called only when others fail keeps its place while it answers half of these calls.
_EXTRAS_AN_ANSWER = 2.0
# As often as a circuit breaker probes: a substitute that was out is asked again within half a minute.
_REFILL_S = 30.0
# A vendor's longer wait is asked about again after a minute: limits are mostly counted by the minute.
_LONGEST_WAIT_S = 60.0
# Silence for so many times a row's usual time is its own, however little its caller gave it.
_LONG = 3.0
# So many callers in a hurry, one after the other, may have asked too much of a row; of more it has answered none.
_HURRIED = 5
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("serve")


@dataclass(slots=True)
class _Calls:
    """A row's calls: how many are at its vendor now, and how many in a hurry have ended since its last answer."""

    under_way: int = 0
    hurried: int = 0


@dataclass(frozen=True, slots=True)
class Vitals:
    """Shared by all requests of one event loop. `monotonic` is in seconds."""

    breakers: Breakers
    limiter: Limiter
    latencies: Latencies
    sunsets: Sunsets
    monotonic: Callable[[], float]
    _gone: dict[str, float] = field(default_factory=dict)
    _waits: dict[str, float] = field(default_factory=dict)
    _calls: defaultdict[str, _Calls] = field(default_factory=lambda: defaultdict(_Calls))
    # By row, or a model that refuses everybody would use up what its healthy substitute has earned.
    _budgets: dict[str, RetryBudget] = field(default_factory=dict)

    def health(self, targets: Targets) -> Health:
        """What the policy has to know at this moment."""
        return replace(
            targets.health(), gone=self.gone(), open=self.breakers.open_rows(), p50_ms=self.latencies.medians()
        )

    def gone(self) -> frozenset[str]:
        """Names of the rows that answered "gone"."""
        now = self.monotonic()
        return frozenset(row for row, until in self._gone.items() if now < until)

    @contextmanager
    def under_way(self, row: str) -> Iterator[None]:
        """A call to the row is at its vendor for the length of the block."""
        self._calls[row].under_way += 1
        try:
            yield
        finally:
            self._calls[row].under_way -= 1

    def note_answer(self, row: str, ms: float) -> None:
        """A call that its breaker let through ended with pictures, in `ms` milliseconds."""
        self._calls[row].hurried = 0
        self._waits.pop(row, None)
        self._budget(row).deposit()
        self.latencies.record(row, ms)
        self.breakers.succeed(row)

    def note_failure(self, row: str) -> None:
        """A call that its breaker let through ended by the model's fault."""
        self.breakers.fail(row, self._calls[row].under_way)

    def note_silence(self, row: str, waited_s: float) -> None:
        """A call that its breaker let through ended because its caller would wait no longer.

        A caller in a hurry must not take a healthy model away from all the others. But a model that had several times
        what it usually takes, or that answers none of many such callers, hangs.
        """
        calls, usual_ms = self._calls[row], self.latencies.p50(row)
        calls.hurried += 1
        had_its_time = usual_ms is not None and waited_s * 1000 >= _LONG * usual_ms
        if had_its_time or calls.hurried > _HURRIED:
            self.note_failure(row)
        else:
            self.breakers.release(row)

    def note_wait(self, row: str, seconds: float) -> None:
        """The row's vendor asks us to wait, longer than a request would."""
        self._waits[row] = self.monotonic() + min(seconds, _LONGEST_WAIT_S)

    def wait(self, row: str) -> float:
        """Seconds that the row's vendor still wants us to wait."""
        return max(0.0, self._waits.get(row, 0.0) - self.monotonic())

    def afford(self, row: str, calls: int = 1) -> bool:
        """Take so many extra calls (again, or after another model failed) to the row; False where it earned fewer."""
        # Who draws many pictures one by one may need more than can ever be saved up.
        return self._budget(row).withdraw(min(calls, _FREE_EXTRAS))

    def _budget(self, row: str) -> RetryBudget:
        if row not in self._budgets:
            self._budgets[row] = RetryBudget(_EXTRAS_AN_ANSWER, _FREE_EXTRAS, _REFILL_S, self.monotonic)
        return self._budgets[row]

    def hear(self, response: httpx.Response, model: Model) -> None:
        """Take note of what an answer says of the model's end."""
        sunset = signals(response, model)
        if sunset is None:
            return
        if sunset.gone:
            self._gone[model.name] = math.inf
        if self.sunsets.note(sunset):
            _log.warning("sunset", warning=describe(sunset))

    def hear_ends(self, ends: Mapping[str, date], models: Iterable[Model]) -> None:
        """Take note of a vendor's list: the days on which its models end, by its own ids."""
        for sunset in self.sunsets.note_listed(ends, models):
            _log.warning("sunset", warning=describe(sunset))

    def retire(self, row: str) -> None:
        """The row answered "gone": pass it over, for a while unless its vendor's words prove it."""
        self._gone[row] = max(self._gone.get(row, 0.0), self.monotonic() + _DOUBTFUL_GONE_S)


def make_vitals(clock: Clock, breaker: BreakerSettings | None = None, queue: int = QUEUE) -> Vitals:
    """Those of a process that has called nobody yet. The limiter's lanes are opened with the catalogue's limits."""
    return Vitals(
        Breakers(breaker or BreakerSettings(), clock.monotonic),
        Limiter(queue, clock.monotonic),
        Latencies(monotonic=clock.monotonic),
        Sunsets(),
        clock.monotonic,
    )
