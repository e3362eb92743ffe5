"""One request from its first row in the store to its last: drawn once, billed once, told as often as it is asked."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

from serve.answers import KeptAnswer
from serve.classification import Classification
from serve.clock import Clock
from serve.errors import (
    ConflictError,
    IdempotencyMismatchError,
    ServiceError,
    StoreError,
    UpstreamTimeoutError,
)
from serve.image_request import ImageRequest
from serve.job import Job, Step, run
from serve.schemas import Routing
from serve.store import Claim, Done, Fresh, ImageRecord, Lost, Mismatch, RequestEnd, RequestRecord, Running, Store

KEY_SECONDS = 24 * 3600.0
"""How long an idempotency key is remembered: as long as the OpenAI and Stripe clients' users are used to."""


_ASKED = tuple(field.name for field in fields(ImageRequest))


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's idempotency key with the fingerprint of the body it came with."""

    caller: str
    key: str
    fingerprint: str


class Studio:
    """Answers jobs.

    `patience` is how long, in seconds, a request without a deadline waits for an equal one. With `rebill` a request
    that was cut off with its process is drawn, and maybe billed, again.
    """

    def __init__(
        self, steps: Sequence[Step], store: Store, classification: Classification, clock: Clock,
        *, sandbox: bool, patience: float, rebill: bool = False,
    ) -> None:  # fmt: skip
        self._steps = tuple(steps)
        self._store = store
        self._classification = classification
        self._clock = clock
        self._sandbox = sandbox
        self._patience = patience
        self._rebill = rebill
        # Ends that could not be written down, with the answers that were not told for it.
        self._unwritten: dict[Key, tuple[RequestEnd, KeptAnswer]] = {}
        # By the body too: which of two bodies a key belongs to is for the store to say, not for who came first here.
        self._running: dict[Key, asyncio.Task[KeptAnswer]] = {}
        # The event loop itself forgets a task that nobody waits for.
        self._tasks: set[asyncio.Task[KeptAnswer]] = set()

    async def close(self) -> None:
        """Wait for the work whose callers have gone: it is paid for, and its pictures are still to be kept."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def answer(self, job: Job, key: Key | None = None) -> KeptAnswer:
        """The answer to `job`; with a key, the one that an equal request got or is getting.

        A caller who goes away does not stop the work: it is paid for, and may be asked for again.

        Raises:
            IdempotencyMismatchError: the key came with another body before.
            ConflictError: an equal request is still running when this one's deadline ends.
            UpstreamTimeoutError: an equal request has no answer to repeat, and may have been billed: it was cut off
                with its process, or its end still cannot be written down.
            StoreError: nothing can be written down, so nothing is called.
        """
        if key is None:
            return await asyncio.shield(self._start(self._work(job)))
        if (first := self._running.get(key)) is not None:
            return await self._second(first, job)
        task = self._start(self._once(job, key))
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(task)

    def _start(self, work: Coroutine[Any, Any, KeptAnswer]) -> asyncio.Task[KeptAnswer]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _second(self, first: asyncio.Task[KeptAnswer], job: Job) -> KeptAnswer:
        """Share the first request's answer, if it comes before this one's own deadline."""
        wanted = job.wishes.deadline_ms
        done, _ = await asyncio.wait([first], timeout=self._patience if wanted is None else wanted / 1000)
        if not done:
            raise ConflictError("the first request with this idempotency key is still being answered; ask again later")
        return first.result()

    async def _once(self, job: Job, key: Key) -> KeptAnswer:
        claim = await self._claim(job, key)
        if isinstance(claim, Lost) and (self._rebill or not claim.may_be_billed):
            await self._store.release(key.key, key.caller, claim.request_id)
            claim = await self._claim(job, key)
        match claim:
            case Fresh():
                return await self._work(job, key)
            case Done(answer=str(kept)):
                return KeptAnswer.model_validate_json(kept)
            case Mismatch():
                raise _mismatch()
            case Running() if key in self._unwritten:
                return await self._finish_late(key)
            case Lost() | Running() | Done():
                # Nothing runs here under this key, or it would be in `_running`: its end was never written down.
                raise _lost()

    async def _finish_late(self, key: Key) -> KeptAnswer:
        end, answer = self._unwritten[key]
        try:
            await self._store.finish(answer.request_id, end)
        except StoreError as error:
            raise _lost() from error
        del self._unwritten[key]
        return answer

    async def _claim(self, job: Job, key: Key) -> Claim:
        return await self._store.claim(
            key.key, key.caller, key.fingerprint, job.request_id, self._clock.now(), KEY_SECONDS
        )

    async def _work(self, job: Job, key: Key | None = None) -> KeptAnswer:
        """Begin, take the steps, finish; whatever is raised on the way is an answer too."""
        began = self._clock.monotonic()
        await self._begin(job, key)
        try:
            # One by one: a step that raises leaves the job of the steps before it, with the attempts that were made.
            for step in self._steps:
                job = await run(job, (step,))
        except ServiceError as error:
            return await self._finish(replace(job, failure=error), began, key)
        except Exception:
            await self._finish(replace(job, failure=_crash()), began, key, crashed=True)
            raise
        return await self._finish(job, began, key)

    async def _begin(self, job: Job, key: Key | None) -> None:
        begun = self._store.begin(self._record(job))
        if key is None:
            return  # nothing is called before its attempt stands in the store, and that comes after this
        try:
            await begun
        except StoreError:
            with suppress(StoreError):
                await self._store.release(key.key, key.caller, job.request_id)
            raise

    async def _finish(self, job: Job, began: float, key: Key | None, *, crashed: bool = False) -> KeptAnswer:
        """Write the job's end down and answer it; where it cannot be written, that is the answer."""
        # What crashed may have been billed for a call that it never told of.
        billed = crashed or any(attempt.billed != "no" for attempt in job.attempts)
        if isinstance(job.failure, StoreError):
            job = replace(job, failure=_untold(job, job.failure, billed))
        answer = self._answer(job, billed)
        end = self._end(job, answer, (self._clock.monotonic() - began) * 1000, billed)
        if key is not None:
            end = replace(end, answer=answer.model_dump_json())
        try:
            await self._store.finish(job.request_id, end)
        except StoreError as error:
            if key is not None:
                self._unwritten[key] = (end, answer)
            return self._answer(replace(job, failure=_untold(job, error, billed)), billed)
        return answer

    def _answer(self, job: Job, billed: bool) -> KeptAnswer:
        routing = Routing.of(job, classifier_version=self._classification.version, sandbox=self._sandbox)
        return KeptAnswer.of(job, self._clock.now(), routing, may_be_billed=billed)

    def _record(self, job: Job) -> RequestRecord:
        return RequestRecord(
            id=job.request_id,
            created=self._clock.now(),
            caller=job.caller,
            asked=job.model,
            n=job.request.n,
            sandbox=self._sandbox,
        )

    def _end(self, job: Job, answer: KeptAnswer, ms: float, billed: bool) -> RequestEnd:
        failed = answer.error
        drawn = job.chosen.row if job.chosen and failed is None else None
        return RequestEnd(
            http_status=200 if failed is None else failed.status,
            latency_ms=round(ms, 1),
            ended=self._clock.now(),
            error_code=None if failed is None else failed.detail.code,
            row=drawn.name if drawn else None,
            intent=job.route.intent,
            images=self._images(job),
            late_ends=job.late_ends,
            # What cost nothing may be asked for again under the same key, as clients that retry do.
            forget_key=failed is not None and not billed,
        )

    def _images(self, job: Job) -> tuple[ImageRecord, ...]:
        if job.failure is not None or job.chosen is None:
            return ()
        # Not `asdict`, which would copy each of these plain values.
        request = json.dumps({name: getattr(job.request, name) for name in _ASKED})
        now = self._clock.now()
        return tuple(
            ImageRecord(
                id=image_id,
                request_id=job.request_id,
                model=job.chosen.model,
                intent=job.route.intent,
                media_type=picture.media_type,
                width=picture.width,
                height=picture.height,
                request=request,
                created=now,
                parent_id=job.parent_id,
            )
            for image_id, picture in zip(job.image_ids, job.pictures, strict=True)
        )


def fingerprint(path: str, body: str) -> str:
    """What makes two requests equal: the path and the body's canonical JSON."""
    return hashlib.sha256(f"{path}\n{body}".encode()).hexdigest()


def _crash() -> ServiceError:
    return ServiceError("something went wrong here, and the request may have been billed; the log says what it was")


def _untold(job: Job, error: StoreError, billed: bool) -> StoreError:
    """Why a job's answer is not told, with what its caller may have paid for."""
    told = f"{error}; the request may have been billed" if billed else str(error)
    kept = ", ".join(f"/v1/images/{image_id}" for image_id in job.image_ids)
    return StoreError(f"{told}, and its pictures are kept: {kept}" if kept else told)


def _lost() -> UpstreamTimeoutError:
    return UpstreamTimeoutError(
        "the first request with this idempotency key was cut off while it was being drawn: it may have been billed; "
        "send another key to have it drawn again",
        provider="",
        billed="unknown",
    )


def _mismatch() -> IdempotencyMismatchError:
    return IdempotencyMismatchError(
        "this idempotency key came with another body before: repeat that body, or send another key"
    )
