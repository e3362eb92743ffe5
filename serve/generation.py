"""Generating is a list of steps over one frozen job: classify, choose, draw, keep.

Later promises are steps added to the list, or guards put around the try of one candidate; the loop in `job.run` and the
fallback in `Draw` stay as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import anyio.to_thread

from serve.attempt import Attempt
from serve.calling import Caller
from serve.catalog import Catalog, Model
from serve.classification import Classification
from serve.clock import Clock
from serve.cost import estimate_usd
from serve.errors import Billed, InvalidRequestError, NotReadyError, ProviderError, ServiceError
from serve.fitting import fit, refusal
from serve.image_request import ImageRequest, WireRequest
from serve.image_store import ImageStore
from serve.job import Job
from serve.lifecycle import resolve
from serve.pictures import Picture, PictureDesk
from serve.policy import Constraints, Route, choose_route
from serve.targets import Targets, missing_keys


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trying one candidate came to: its attempts, and either pictures or the last attempt's error."""

    attempts: tuple[Attempt, ...]
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class _Ending:
    """How an attempt ended: "ok" or an error's kind, the vendor's HTTP status, and whether it costs."""

    outcome: str
    status: int | None
    billed: Billed


Try = Callable[[ImageRequest, str, Model], Awaitable[Outcome]]
Guard = Callable[[Try], Try]


class Classify:
    """Predicts the intent, unless the caller chose a model or an intent."""

    def __init__(self, classification: Classification) -> None:
        self._classification = classification

    async def __call__(self, job: Job) -> Job:
        """One step of the job."""
        if job.model is not None or job.intent is not None:
            return job
        [prediction] = await self._classification.predict([job.request.prompt])
        return replace(job, prediction=prediction)


class Choose:
    """Decides on the candidates. A job that none of them can take ends here, with every reason."""

    def __init__(self, catalog: Catalog, targets: Targets, clock: Clock) -> None:
        self._catalog = catalog
        self._targets = targets
        self._clock = clock

    async def __call__(self, job: Job) -> Job:
        """One step of the job."""
        health = self._targets.health()
        if not health.keyed:
            raise NotReadyError(missing_keys(self._catalog))
        constraints = Constraints(job.request, job.model, job.intent)
        route = choose_route(job.prediction, constraints, self._catalog, health, self._clock.today())
        failure = None if route.taken else self._nothing_left(job.request, route)
        return replace(job, route=route, warnings=route.warnings, failure=failure)

    def _nothing_left(self, request: ImageRequest, route: Route) -> ServiceError:
        """The caller's fault when no model could honour the request, whoever had keys; else ours."""
        reasons = "; ".join(f"{candidate.model}: {candidate.reason}" for candidate in route.candidates)
        overridden, today = self._targets.health().overridden, self._clock.today()
        rows = [resolve(candidate.model, self._catalog, today, overridden) for candidate in route.candidates]
        if any(row is not None and refusal(request, row) is None for row in rows):
            return NotReadyError(f"no model can be called: {reasons}")
        return InvalidRequestError(f"no model can draw this: {reasons}")


class TryModel:
    """One attempt at one model: fit the request, call, prove the pictures, and write down how it went."""

    def __init__(self, caller: Caller, desk: PictureDesk, clock: Clock) -> None:
        self._caller = caller
        self._desk = desk
        self._clock = clock

    async def __call__(self, request: ImageRequest, name: str, row: Model) -> Outcome:
        """Try `row` under its logical `name`. Raises nothing that a vendor can cause."""
        wire, warnings = fit(request, row)
        started = self._clock.monotonic()
        try:
            answer = await self._caller.draw(row, wire)
            pictures = await self._desk.prove(answer.images, row.provider)
        except ProviderError as error:
            failed = _Ending(error.kind, error.upstream_status, error.billed)
            return Outcome((self._record(name, row, wire, started, failed),), error=error)
        attempt = self._record(name, row, wire, started, _Ending("ok", answer.status, "yes"))
        return Outcome((attempt,), pictures, (*warnings, *_count_warning(request.n, len(pictures))))

    def _record(self, name: str, row: Model, wire: WireRequest, started: float, end: _Ending) -> Attempt:
        return Attempt(
            model=name,
            vendor_model=row.vendor_model,
            outcome=end.outcome,
            status=end.status,
            ms=round((self._clock.monotonic() - started) * 1000, 1),
            cost_usd=0.0 if end.billed == "no" else estimate_usd(row, wire),
            billed=end.billed,
        )


class Draw:
    """Tries the candidates in order. An error that is not this prompt's fault goes on to the next one."""

    def __init__(self, try_model: Try, guards: Sequence[Guard] = ()) -> None:
        for guard in guards:
            try_model = guard(try_model)
        self._try = try_model

    async def __call__(self, job: Job) -> Job:
        """One step of the job."""
        failure: ProviderError | None = None
        for candidate in job.route.taken:
            if candidate.row is None or (failure is not None and not failure.falls_back):
                break
            outcome = await self._try(job.request, candidate.model, candidate.row)
            job = replace(job, attempts=job.attempts + outcome.attempts, chosen=candidate)
            if outcome.error is None:
                return replace(job, pictures=outcome.pictures, warnings=job.warnings + outcome.warnings)
            failure = outcome.error
        return replace(job, chosen=None, failure=failure)


class Keep:
    """Stores the pictures, off the event loop, before anybody is told of them."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    async def __call__(self, job: Job) -> Job:
        """One step of the job."""
        try:
            ids = await anyio.to_thread.run_sync(self._store.keep, job.pictures)
        except OSError as error:
            message = f"the picture was drawn but could not be stored: {error.strerror}"
            return replace(job, failure=ServiceError(message, code="storage_error"))
        return replace(job, image_ids=ids)


def _count_warning(asked: int, came: int) -> tuple[str, ...]:
    return () if asked == came else (f"{asked} pictures were asked for, {came} came",)
