"""One call to a model, let through by bill, deadline, breaker and queue, and again while that may help."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

from serve.call_rules import CallRules
from serve.catalog import Model
from serve.clock import Clock
from serve.cost import estimate_usd
from serve.deadline import Bill, Deadline
from serve.errors import (
    BudgetError,
    CircuitOpenError,
    DeadlineError,
    ModelGoneError,
    OverloadedError,
    ProviderError,
    ServiceError,
    ShuttingDownError,
    UpstreamTimeoutError,
)
from serve.fitting import fit
from serve.image_request import ImageRequest
from serve.job import Job
from serve.trying import Order, Outcome, Try
from serve.vitals import Vitals

# Of these the model itself is innocent: its circuit breaker counts them neither way.
_INNOCENT = ("content_policy", "invalid_request", "rate_limited", "upstream_auth", "upstream_quota", "model_gone")
# Seconds. Silence for so long counts against a model also where its caller gave it no more: few answers take longer.
_SILENT_S = 30.0


@dataclass(frozen=True, slots=True)
class Errand:
    """One request's way through the candidates; `asked` are the rows that were."""

    job: Job
    deadline: Deadline
    bill: Bill
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    asked: set[str] = field(default_factory=set)


class Series:
    """Asks one model for what one call gives: once, and again while its errors say that it may answer in a moment.

    Once `closing` is set a call under way is waited for, for it is paid for, and none begins.
    """

    def __init__(
        self, try_model: Try, vitals: Vitals, rules: CallRules, clock: Clock, chance: Callable[[], float],
        closing: asyncio.Event,
    ) -> None:  # fmt: skip
        self._try = try_model
        self._vitals = vitals
        self._rules = rules
        self._clock = clock
        self._chance = chance
        self._closing = closing

    async def __call__(self, errand: Errand, request: ImageRequest, name: str, row: Model) -> Outcome:
        """All attempts, and what the last one came to. `name` is the logical model that `row` answers for."""
        outcome, failures = await self._once(errand, request, name, row), 1
        while outcome.error is not None and await self._waited(errand, row, outcome.error, failures):
            again = await self._once(errand, request, name, row)
            if not again.attempts and not isinstance(again.error, ShuttingDownError):
                break  # nobody was asked: what the vendor said stays the answer
            outcome, failures = outcome.then(again), failures + 1
        return outcome

    async def _waited(self, errand: Errand, row: Model, error: ServiceError, failures: int) -> bool:
        """Wait for the moment of another call; False, at once, where there is to be none."""
        if not isinstance(error, ProviderError) or not self._rules.may_retry(error):
            return False
        wait = self._rules.retry.delay(failures, error.retry_after, self._chance)
        if wait is None or wait >= errand.deadline.left() or not self._vitals.afford(row.name):
            return False
        await self._pause(wait)
        return True

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the service closes."""
        ends = [asyncio.ensure_future(wait) for wait in (self._clock.sleep(seconds), self._closing.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    async def _once(self, errand: Errand, request: ImageRequest, name: str, row: Model) -> Outcome:
        """One call, if the bill, the deadline, the breaker and the queue let it through."""
        wire, warnings = fit(request, row)
        reserved = estimate_usd(row, wire, self._clock.today())
        if not errand.bill.reserve(reserved):
            return Outcome(error=BudgetError(f"{name} costs about {reserved:g} US dollars, and max_cost leaves less"))
        sole = request.n == errand.job.request.n
        order, usd = Order(errand.job.request_id, wire, warnings, reserved, name, row, sole), 0.0
        try:
            outcome = await self._admitted(errand, order)
            usd = sum(attempt.cost_usd for attempt in outcome.attempts)
        finally:
            errand.bill.settle(reserved, usd)
        return outcome

    async def _admitted(self, errand: Errand, order: Order) -> Outcome:
        row = order.row
        if (over := self._over(errand.deadline.left())) is not None:
            return Outcome(error=over)
        if not self._vitals.breakers.allow(row.name):
            return Outcome(error=_resting(order.name, self._vitals.breakers.probe_in(row.name)))
        verdict: Callable[[str], None] = self._vitals.breakers.release
        try:
            async with self._vitals.limiter.slot(row.provider, order.wire.n, errand.deadline.left()):
                patience = min(self._rules.patience, errand.deadline.left())
                if (over := self._over(patience)) is not None:
                    return Outcome(error=over)
                order = replace(order, number=next(errand.numbers), patience=patience)
                with self._vitals.under_way(row.name):
                    outcome = await self._try(order)
            verdict = self._verdict(outcome, order)
            return outcome
        except OverloadedError as error:
            return Outcome(error=error)
        finally:
            verdict(row.name)

    def _over(self, left_s: float) -> ServiceError | None:
        """Why no call may begin any more, whoever would be asked."""
        if self._closing.is_set():
            return ShuttingDownError("the service is shutting down, and asks no model any more: ask again later")
        return _too_late() if left_s <= 0 else None

    def _verdict(self, outcome: Outcome, order: Order) -> Callable[[str], None]:
        """How to tell what the call says of the model's state."""
        error = outcome.error
        if error is None:
            return partial(self._vitals.note_answer, ms=outcome.attempts[-1].ms)
        if isinstance(error, UpstreamTimeoutError | DeadlineError) and self._was_hurried(order):
            return partial(self._vitals.note_silence, waited_s=order.patience)
        self._remember(error, order.row)
        if not isinstance(error, ProviderError) or error.kind in _INNOCENT:
            return self._vitals.breakers.release
        return self._vitals.note_failure

    def _was_hurried(self, order: Order) -> bool:
        """Whether it was the caller who would wait no longer."""
        return order.patience < min(_SILENT_S, self._rules.patience)

    def _remember(self, error: ServiceError, row: Model) -> None:
        """What the next request should know: that the model is gone, or asks for a wait that nobody here keeps."""
        if isinstance(error, ModelGoneError):
            self._vitals.retire(row.name)
        elif error.retry_after is not None and error.retry_after > self._rules.retry.retry_after_cap_s:
            self._vitals.note_wait(row.name, error.retry_after)


def _too_late() -> DeadlineError:
    return DeadlineError("the deadline passed before a model could draw this; allow it more time")


def _resting(name: str, probe_in: float) -> CircuitOpenError:
    # With the probe under way nobody can say when it ends; it may be at any moment.
    seconds = max(1, math.ceil(probe_in))
    return CircuitOpenError(
        f"{name} has failed too often and rests; try again in {seconds} s", retry_after=float(seconds)
    )
