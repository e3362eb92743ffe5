"""The attempt loop: who is asked when, how often, for how long and at whose cost.

One place sees the deadline, the bill and the next candidate together, because each decision needs all three. In order:
the same model again where its error says that it may answer in a moment (`series`), its successor where it says that it
is gone, the next candidate where the error is not this prompt's fault. What may have been drawn and billed is never
asked for twice, unless the rules say `rebill`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import random

from serve.at_once import at_once
from serve.call_rules import CallRules
from serve.candidates import Candidate
from serve.catalog import Catalog, Model
from serve.clock import Clock
from serve.deadline import Bill, Deadline
from serve.errors import ModelGoneError, ServiceError
from serve.fitting import calls_for, requests_for
from serve.generation import decide
from serve.image_request import ImageRequest
from serve.job import Job
from serve.outcomes import is_shed, telling, together
from serve.series import Errand, Series
from serve.targets import Targets
from serve.trying import Outcome, Try
from serve.vitals import Vitals


class Draw:
    """The step that has the pictures drawn. Once `closing` is set, calls under way end and no other begins."""

    def __init__(
        self,
        try_model: Try,
        vitals: Vitals,
        rules: CallRules,
        catalog: Catalog,
        targets: Targets,
        clock: Clock,
        chance: Callable[[], float] = random,
        closing: asyncio.Event | None = None,
    ) -> None:
        self._series = Series(try_model, vitals, rules, clock, chance, closing or asyncio.Event())
        self._vitals = vitals
        self._rules = rules
        self._catalog = catalog
        self._targets = targets
        self._clock = clock

    async def __call__(self, job: Job) -> Job:
        """One step of the job: the candidates in order, up to the first that draws or the first error that ends it."""
        errand = Errand(job, self._deadline(job), Bill(job.wishes.max_cost))
        failure: ServiceError | None = None
        candidates, warnings = self._in_turn(job.route.taken)
        job = _warned(job, *warnings)
        for candidate in candidates:
            if candidate.row is None or candidate.row.name in errand.asked:
                continue
            if job.attempts and not self._affords(job.request, candidate.row):
                job = _warned(job, f"{candidate.model} was not asked: it has answered too few of its calls of late")
                continue
            outcome, row = await self._candidate(errand, candidate)
            job = replace(
                job,
                attempts=job.attempts + outcome.attempts,
                late_ends=job.late_ends + outcome.late_ends,
                chosen=_answering(candidate, row) if outcome.error is None else None,
                pictures=outcome.pictures,
            )
            if outcome.error is None:
                return _warned(job, *outcome.warnings)
            failure = telling(failure, outcome.error)
            if not self._rules.may_go_on(outcome.error):
                break
        return replace(job, failure=failure)

    def _deadline(self, job: Job) -> Deadline:
        wanted = job.wishes.deadline_ms
        seconds = self._rules.deadline if wanted is None else wanted / 1000
        return Deadline(self._clock.monotonic() + seconds, self._clock.monotonic)

    def _in_turn(self, taken: Sequence[Candidate]) -> tuple[list[Candidate], list[str]]:
        """As the route has them, but whoever asked us to wait comes last; and what there is to say of those."""
        waits = {candidate.model: self._wait(candidate) for candidate in taken}
        if all(waits.values()):
            return list(taken), []
        warnings = [
            f"{model} comes last: its vendor asked us to wait another {wait:.0f} s"
            for model, wait in waits.items()
            if wait
        ]
        return sorted(taken, key=lambda candidate: waits[candidate.model] > 0), warnings

    def _wait(self, candidate: Candidate) -> float:
        return 0.0 if candidate.row is None else self._vitals.wait(candidate.row.name)

    def _affords(self, request: ImageRequest, row: Model) -> bool:
        """Whether the row may be asked after others were: only if it has earned it of late."""
        return self._vitals.afford(row.name, len(calls_for(request, row)))

    async def _candidate(self, errand: Errand, candidate: Candidate) -> tuple[Outcome, Model | None]:
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

    async def _calls(self, errand: Errand, name: str, row: Model) -> Outcome:
        """As many calls as the model needs for all the pictures."""
        requests = requests_for(errand.job.request, row)
        outcomes = await self._at_once(errand, requests, name, row)
        shed = [call for call, outcome in enumerate(outcomes) if is_shed(outcome)]
        # Of a model that rests one call passes, to see whether it is back: if it is, the others may follow.
        if shed and any(outcome.pictures for outcome in outcomes):
            again = await self._at_once(errand, [requests[call] for call in shed], name, row)
            for call, outcome in zip(shed, again, strict=True):
                outcomes[call] = outcome
        return together(outcomes, errand.job.request.n, self._rules)

    async def _at_once(self, errand: Errand, requests: Sequence[ImageRequest], name: str, row: Model) -> list[Outcome]:
        """The calls at the same time. None is cut off by what befalls another."""
        ended = await at_once([self._series(errand, request, name, row) for request in requests])
        for crash in ended:
            if isinstance(crash, BaseException):
                raise crash
        return [outcome for outcome in ended if isinstance(outcome, Outcome)]


def _answering(candidate: Candidate, row: Model | None) -> Candidate:
    return candidate if row is candidate.row else replace(candidate, row=row)


def _warned(job: Job, *warnings: str) -> Job:
    return replace(job, warnings=(*job.warnings, *warnings)) if warnings else job
