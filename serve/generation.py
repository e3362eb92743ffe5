"""Generating is a list of steps over one frozen job: classify, choose, draw (`drawing`), keep.

A later promise is a step added to the list; the loop in `job.run` stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import anyio

from classifier import Prediction
from serve.catalog import Catalog
from serve.classification import Classification
from serve.clock import Clock
from serve.constraints import Constraints, Health
from serve.errors import DeadlineError, NotReadyError, ServiceError
from serve.image_store import ImageStore
from serve.job import Job
from serve.off_loop import off_loop
from serve.pictures import Picture
from serve.policy import Route, choose_route, unanswerable
from serve.targets import Targets, missing_keys
from serve.vitals import Vitals


class Classify:
    """Predicts the intent, unless the caller chose a model or an intent."""

    def __init__(self, classification: Classification, clock: Clock) -> None:
        self._classification = classification
        self._clock = clock

    async def __call__(self, job: Job) -> Job:
        """One step of the job. The time that it took is gone from the caller's deadline, which ends a wait in line."""
        if job.model is not None or job.intent is not None:
            return job
        began, limit = self._clock.monotonic(), job.wishes.deadline_ms
        found: list[Prediction] = []
        with anyio.move_on_after(None if limit is None else limit / 1000):
            found = await self._classification.predict([job.request.prompt])
        if not found:
            return replace(job, failure=_too_late())
        return _later(replace(job, prediction=found[0]), self._clock.monotonic() - began)


class Choose:
    """Decides on the candidates. A job that none of them can take ends here, with every reason."""

    def __init__(self, catalog: Catalog, targets: Targets, vitals: Vitals, clock: Clock) -> None:
        self._catalog = catalog
        self._targets = targets
        self._vitals = vitals
        self._clock = clock

    async def __call__(self, job: Job) -> Job:
        """One step of the job."""
        health = self._vitals.health(self._targets)
        if not health.keyed:
            raise NotReadyError(missing_keys(self._catalog))
        route = decide(job, self._catalog, health, self._clock.today())
        failure = None if route.taken else unanswerable(route)
        return replace(job, route=route, warnings=(*job.warnings, *route.warnings), failure=failure)


def decide(job: Job, catalog: Catalog, health: Health, today: date) -> Route:
    """The models for a job as things stand.

    Raises:
        InvalidRequestError: see `choose_route`.
    """
    constraints = Constraints(job.request, job.model, job.intent, wishes=job.wishes)
    return choose_route(job.prediction, constraints, catalog, health, today)


class Keep:
    """Stores the pictures, large ones off the event loop, before anybody is told of them.

    Some are an answer: each is paid for, and one that cannot be stored loses none of the others.
    """

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    async def __call__(self, job: Job) -> Job:
        """One step of the job."""
        size = sum(len(picture.data) for picture in job.pictures)
        kept, errors = await off_loop(self._keep, job.pictures, size=size)
        job = replace(job, image_ids=tuple(kept), pictures=tuple(kept.values()))
        if not errors:
            return job
        told = _unkept(errors, len(kept) + len(errors))
        if not kept:
            return replace(job, failure=ServiceError(told, code="storage_error"))
        return replace(job, warnings=(*job.warnings, told))

    def _keep(self, pictures: Sequence[Picture]) -> tuple[dict[str, Picture], list[OSError]]:
        """The pictures by their ids, and for each of the others why it could not be stored."""
        kept: dict[str, Picture] = {}
        errors: list[OSError] = []
        for picture in pictures:
            try:
                kept[self._store.keep(picture)] = picture
            except OSError as error:
                errors.append(error)
        return kept, errors


def _unkept(errors: Sequence[OSError], drawn: int) -> str:
    why = ", ".join(dict.fromkeys(error.strerror or type(error).__name__ for error in errors))
    return f"drawn and billed, but could not be stored: {len(errors)} of {drawn} pictures ({why})"


def _later(job: Job, seconds: float) -> Job:
    """The job with so much less time left, if its caller set a limit."""
    if job.wishes.deadline_ms is None:
        return job
    left = job.wishes.deadline_ms - round(seconds * 1000)
    if left < 1:
        return replace(job, failure=_too_late())
    return replace(job, wishes=replace(job.wishes, deadline_ms=left))


def _too_late() -> DeadlineError:
    return DeadlineError("the deadline passed before the prompt was classified")
