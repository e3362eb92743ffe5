"""One image request on its way from the caller to the pictures: a frozen record that each step returns anew."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from classifier import Prediction
from serve.attempt import Attempt
from serve.constraints import Wishes
from serve.errors import ServiceError
from serve.image_request import ImageRequest
from serve.pictures import Picture
from serve.policy import Candidate, Route
from serve.store import LateEnd

UNDECIDED = Route(intent=None, reason="not decided yet", candidates=(), warnings=())


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked, what was decided, what was tried, and what came of it.

    Attributes:
        caller: whose idempotency keys and opinions are kept apart; "" where callers are not told apart.
        parent_id: the preview that this request renders anew.
        wishes: what the caller wants of the models, beside the picture.
        model: the caller's own choice of a model, `intent` of an intent; None leaves it to the classifier.
        late_ends: the ends of attempts that are not written down yet.
        chosen: the candidate that drew `pictures`.
        image_ids: one id a picture, once they are stored; `pictures` are then those that could be.
        failure: why the job ended without pictures; no step runs after it is set.
    """

    request: ImageRequest
    request_id: str = field(default_factory=lambda: f"req_{secrets.token_hex(16)}")
    caller: str = ""
    parent_id: str | None = None
    wishes: Wishes = field(default_factory=Wishes)
    model: str | None = None
    intent: str | None = None
    prediction: Prediction | None = None
    route: Route = UNDECIDED
    attempts: tuple[Attempt, ...] = ()
    late_ends: tuple[LateEnd, ...] = ()
    chosen: Candidate | None = None
    pictures: tuple[Picture, ...] = ()
    image_ids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failure: ServiceError | None = None


Step = Callable[[Job], Awaitable[Job]]


async def run(job: Job, steps: tuple[Step, ...]) -> Job:
    """Take the job through the steps in order, up to the first that ends it."""
    for step in steps:
        if job.failure is not None:
            break
        job = await step(job)
    return job
