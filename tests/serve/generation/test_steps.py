"""The list of steps, and guards around the try of one candidate: later work adds, and edits neither loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from classifier import Prediction
from serve.attempt import Attempt
from serve.catalog import Model, load_catalog
from serve.errors import ContentPolicyError, NotReadyError, UpstreamError
from serve.generation import Draw, Outcome, Try
from serve.image_request import ImageRequest
from serve.job import Job, run
from serve.policy import Constraints, Health, choose_route

ALL = frozenset({"openai", "google", "ideogram"})
REQUEST = ImageRequest("two cats")


def job_with_route() -> Job:
    """A job whose route has several candidates, in the sandbox's world where nothing is dead."""
    seen = Prediction("complex_logic", 0.9, {"complex_logic": 0.9}, abstained=False, ood=50.0)
    route = choose_route(seen, Constraints(REQUEST), load_catalog(), Health(ALL, ALL), date(2026, 11, 22))
    assert len(route.taken) == 3
    return Job(REQUEST, route=route)


def record(name: str, outcome: str) -> Attempt:
    return Attempt(name, "id", outcome, 200, 1.0, 0.0, "no")


async def test_steps_run_in_order_up_to_the_one_that_fails() -> None:
    """Each step gets what the one before returned; none runs after a failure."""

    async def warn(job: Job) -> Job:
        return replace(job, warnings=(*job.warnings, "seen"))

    async def fail(job: Job) -> Job:
        return replace(job, failure=NotReadyError("no"))

    ended = await run(Job(REQUEST), (warn, warn, fail, warn))
    assert ended.warnings == ("seen", "seen")
    assert isinstance(ended.failure, NotReadyError)


async def test_a_guard_may_keep_a_candidate_from_being_called() -> None:
    """A guard, a breaker for one, answers in a candidate's place, and the next one is tried."""
    called: list[str] = []

    async def draw(request: ImageRequest, name: str, row: Model) -> Outcome:
        called.append(name)
        return Outcome((record(name, "ok"),))

    def breaker(inner: Try) -> Try:
        async def guarded(request: ImageRequest, name: str, row: Model) -> Outcome:
            if row.provider == "openai":
                return Outcome((), error=UpstreamError("resting", provider=row.provider))
            return await inner(request, name, row)

        return guarded

    ended = await Draw(draw, [breaker])(job_with_route())
    assert called == ["gemini-nano-banana-2.1"]
    assert ended.chosen is not None
    assert (ended.chosen.model, ended.failure) == ("gemini-nano-banana-2.1", None)


async def test_a_guard_may_try_twice_and_both_attempts_are_kept() -> None:
    """A guard that retries returns all its attempts; they stand in the job in order."""

    async def fail(request: ImageRequest, name: str, row: Model) -> Outcome:
        error = ContentPolicyError("no", provider=row.provider)
        return Outcome((record(name, error.kind),), error=error)

    def twice(inner: Try) -> Try:
        async def guarded(request: ImageRequest, name: str, row: Model) -> Outcome:
            first, second = await inner(request, name, row), await inner(request, name, row)
            return replace(second, attempts=first.attempts + second.attempts)

        return guarded

    ended = await Draw(fail, [twice])(job_with_route())
    assert [attempt.model for attempt in ended.attempts] == ["dalle-3-std"] * 2
    assert isinstance(ended.failure, ContentPolicyError)
    assert ended.chosen is None


def test_a_job_cannot_be_changed() -> None:
    """Steps return new jobs; the old one stays what it was."""
    with pytest.raises(AttributeError):
        Job(REQUEST).failure = NotReadyError("no")  # type: ignore[misc]
