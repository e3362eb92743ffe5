"""The attempt loop: who is asked when, how often, for how long and at whose cost.

One place sees the deadline, the bill and the next candidate together, because each decision needs all three. In order:
the same model again where its error says that it may answer in a moment, its successor where it says that it is gone,
the next candidate where the error is not this prompt's fault. What may have been drawn and billed is never asked for
twice, unless the rules say `rebill`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from random import random

from serve.candidates import Candidate
from serve.catalog import Catalog, Model
from serve.clock import Clock
from serve.cost import estimate_usd
from serve.deadline import Bill, Deadline
from serve.errors import (
    BudgetError,
    CircuitOpenError,
    DeadlineError,
    EmptyReplyError,
    ModelGoneError,
    OverloadedError,
    ProviderError,
    ServiceError,
    StoreError,
    UpstreamTimeoutError,
)
from serve.fitting import calls_for, fit, requests_for
from serve.generation import decide
from serve.image_request import ImageRequest
from serve.job import Job
from serve.retry import RetryRule
from serve.targets import Targets
from serve.trying import Order, Outcome, Try
from serve.vitals import Vitals

# Of these the model itself is innocent: its circuit breaker counts them neither way.
_INNOCENT = ("content_policy", "invalid_request", "rate_limited", "upstream_auth", "upstream_quota", "model_gone")
# Seconds. Silence for so long counts against a model also where its caller gave it no more: few answers take longer.
_SILENT_S = 30.0


@dataclass(frozen=True, slots=True)
class CallRules:
    """What the operator allows.

    Attributes:
        retry: how often and how late the same model is asked again.
        patience: seconds that one exchange with a vendor may take.
        deadline: seconds for a whole request whose caller names none.
        rebill: whether a request whose outcome is unknown may be drawn, and billed, again.
    """

    retry: RetryRule
    patience: float
    deadline: float
    rebill: bool = False


@dataclass(frozen=True, slots=True)
class _Errand:
    """One request's way through the candidates; `asked` are the rows that were."""

    job: Job
    deadline: Deadline
    bill: Bill
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    asked: set[str] = field(default_factory=set)


class Draw:
    """The step that has the pictures drawn."""

    def __init__(
        self,
        try_model: Try,
        vitals: Vitals,
        rules: CallRules,
        catalog: Catalog,
        targets: Targets,
        clock: Clock,
        chance: Callable[[], float] = random,
    ) -> None:
        self._try = try_model
        self._vitals = vitals
        self._rules = rules
        self._catalog = catalog
        self._targets = targets
        self._clock = clock
        self._chance = chance

    async def __call__(self, job: Job) -> Job:
        """One step of the job: the candidates in order, up to the first that draws or the first error that ends it."""
        errand = _Errand(job, self._deadline(job), Bill(job.wishes.max_cost))
        failure: ServiceError | None = None
        for candidate in job.route.taken:
            if not self._affords(errand, candidate, extra=bool(job.attempts)):
                continue
            outcome, row = await self._candidate(errand, candidate)
            job = replace(job, attempts=job.attempts + outcome.attempts)
            if outcome.error is None:
                warnings = job.warnings + outcome.warnings
                return replace(job, chosen=replace(candidate, row=row), pictures=outcome.pictures, warnings=warnings)
            failure = _telling(failure, outcome.error)
            if not self._goes_on(outcome.error):
                break
        return replace(job, failure=failure)

    def _deadline(self, job: Job) -> Deadline:
        wanted = job.wishes.deadline_ms
        seconds = self._rules.deadline if wanted is None else wanted / 1000
        return Deadline(self._clock.monotonic() + seconds, self._clock.monotonic)

    def _affords(self, errand: _Errand, candidate: Candidate, *, extra: bool) -> bool:
        """Whether the candidate may be asked: not twice, and, after others were, only if it has earned it of late."""
        row = candidate.row
        if row is None or row.name in errand.asked:
            return False
        return not extra or self._vitals.afford(row.name, len(calls_for(errand.job.request, row)))

    def _goes_on(self, error: ServiceError) -> bool:
        """Whether the next candidate may be asked after this error."""
        if not isinstance(error, ProviderError):
            # Nobody was asked. The next one may cost less, or be less busy; time and disk are the same for all.
            return not isinstance(error, DeadlineError | StoreError)
        if _is_spent(error):
            return self._rules.rebill and (error.falls_back or isinstance(error, UpstreamTimeoutError))
        return error.falls_back

    def _may_retry(self, error: ProviderError) -> bool:
        if _is_spent(error):
            return self._rules.rebill and (error.retryable or isinstance(error, UpstreamTimeoutError))
        return error.retryable

    async def _candidate(self, errand: _Errand, candidate: Candidate) -> tuple[Outcome, Model | None]:
        """Try the candidate's row; while the vendor says that it is gone, its successor instead."""
        outcome, row = Outcome(), candidate.row
        while row is not None and row.name not in errand.asked:
            errand.asked.add(row.name)
            outcome = outcome.then(await self._calls(errand, candidate.model, row))
            if not isinstance(outcome.error, ModelGoneError):
                break
            row = self._successor(errand.job, candidate.model)
        if outcome.error is None and row is not None and row is not candidate.row:
            swapped = f"{candidate.model} is gone at its vendor: {row.name} answers for it"
            outcome = replace(outcome, warnings=(swapped, *outcome.warnings))
        return outcome, row

    def _successor(self, job: Job, name: str) -> Model | None:
        """The row that answers for `name` now, judged anew: it must be able, keyed, and what the caller wishes."""
        try:
            route = decide(job, self._catalog, self._vitals.health(self._targets), self._clock.today())
        except ServiceError:
            return None
        return next((candidate.row for candidate in route.taken if candidate.model == name), None)

    async def _calls(self, errand: _Errand, name: str, row: Model) -> Outcome:
        """As many calls at once as the model needs for all the pictures. None is cut off by what befalls another."""
        requests = requests_for(errand.job.request, row)
        series = (self._series(errand, request, name, row) for request in requests)
        ended = await asyncio.gather(*series, return_exceptions=True)
        outcomes = [outcome for outcome in ended if isinstance(outcome, Outcome)]
        for crash in ended:
            if isinstance(crash, BaseException):
                raise crash
        return _together(outcomes, errand.job.request.n)

    async def _series(self, errand: _Errand, request: ImageRequest, name: str, row: Model) -> Outcome:
        """One call, and again while its errors say that the same model may answer in a moment."""
        outcome, failures = await self._once(errand, request, name, row), 1
        while outcome.error is not None and await self._waited(errand, row, outcome.error, failures):
            again = await self._once(errand, request, name, row)
            if not again.attempts:
                break  # nobody was asked: what the vendor said stays the answer
            outcome, failures = outcome.then(again), failures + 1
        return outcome

    async def _waited(self, errand: _Errand, row: Model, error: ServiceError, failures: int) -> bool:
        """Wait for the moment of another call; False, at once, where there is to be none."""
        if not isinstance(error, ProviderError) or not self._may_retry(error):
            return False
        wait = self._rules.retry.delay(failures, error.retry_after, self._chance)
        if wait is None or wait >= errand.deadline.left() or not self._vitals.afford(row.name):
            return False
        await self._clock.sleep(wait)
        return True

    async def _once(self, errand: _Errand, request: ImageRequest, name: str, row: Model) -> Outcome:
        """One call, if the bill, the deadline, the breaker and the queue let it through."""
        wire, _ = fit(request, row)
        reserved = estimate_usd(row, wire, self._clock.today())
        if not errand.bill.reserve(reserved):
            return Outcome(error=BudgetError(f"{name} costs about {reserved:g} US dollars, and max_cost leaves less"))
        usd = 0.0
        try:
            outcome = await self._admitted(errand, request, name, row)
            usd = sum(attempt.cost_usd for attempt in outcome.attempts)
        finally:
            errand.bill.settle(reserved, usd)
        return outcome

    async def _admitted(self, errand: _Errand, request: ImageRequest, name: str, row: Model) -> Outcome:
        if errand.deadline.left() <= 0:
            return Outcome(error=_too_late())
        if not self._vitals.breakers.allow(row.name):
            return Outcome(error=CircuitOpenError(f"{name} has failed too often and rests; try again in a moment"))
        verdict: Callable[[str], None] = self._vitals.breakers.release
        try:
            async with self._vitals.limiter.slot(row.provider, request.n, errand.deadline.left()):
                patience = min(self._rules.patience, errand.deadline.left())
                if patience <= 0:
                    return Outcome(error=_too_late())
                order = Order(errand.job.request_id, next(errand.numbers), request, name, row, patience)
                with self._vitals.under_way(row.name):
                    outcome = await self._try(order)
            verdict = self._verdict(outcome, order)
            return outcome
        except OverloadedError as error:
            return Outcome(error=error)
        finally:
            verdict(row.name)

    def _verdict(self, outcome: Outcome, order: Order) -> Callable[[str], None]:
        """How to tell what the call says of the model's state."""
        error = outcome.error
        if error is None:
            return partial(self._vitals.note_answer, ms=outcome.attempts[-1].ms)
        if isinstance(error, ModelGoneError):
            self._vitals.retire(order.row.name)
        if not isinstance(error, ProviderError) or error.kind in _INNOCENT:
            return self._vitals.breakers.release
        # A caller in a hurry must not take a healthy model away from all the others.
        hurried = isinstance(error, UpstreamTimeoutError) and order.patience < min(_SILENT_S, self._rules.patience)
        return self._vitals.breakers.release if hurried else self._vitals.note_failure


def _is_spent(error: ServiceError) -> bool:
    """Whether the picture may have been drawn and billed, so that another call may pay for it twice."""
    if not isinstance(error, ProviderError):
        return isinstance(error, StoreError)
    # A success without a picture has drawn none: at worst the try is paid for, and users want another one.
    return error.billed != "no" and not isinstance(error, EmptyReplyError)


def _too_late() -> DeadlineError:
    return DeadlineError("the deadline passed before a model could draw this; allow it more time")


def _weight(error: ServiceError) -> int:
    match error:
        case DeadlineError() | StoreError():
            return 3
        case ProviderError():
            return 2
        case OverloadedError():
            return 1
    return 0


def _telling(first: ServiceError | None, second: ServiceError) -> ServiceError:
    """Of two failures the one to report: what a vendor said goes before why nobody was asked, the later one before."""
    return first if first is not None and _weight(first) > _weight(second) else second


def _together(outcomes: Sequence[Outcome], asked: int) -> Outcome:
    """The calls of one candidate as one outcome: with pictures, if any call came to some."""
    attempts = tuple(attempt for outcome in outcomes for attempt in outcome.attempts)
    pictures = tuple(picture for outcome in outcomes for picture in outcome.pictures)
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not pictures and errors:
        # One that may be paid for decides for all: whoever is asked next would draw every picture anew.
        return Outcome(attempts, error=next(filter(_is_spent, errors), errors[0]))
    warnings = dict.fromkeys(warning for outcome in outcomes for warning in outcome.warnings)
    if len(pictures) != asked:
        warnings[f"{asked} pictures were asked for, {len(pictures)} came"] = None
    warnings |= dict.fromkeys(f"a call for the others failed: {error}" for error in errors)
    return Outcome(attempts, pictures, tuple(warnings))
