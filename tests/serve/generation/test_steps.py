"""The list of steps over one frozen job: each gets what the one before returned, up to the one that ends it."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from classifier import IntentClassifier
from serve.catalog import load_catalog
from serve.classification import Classification
from serve.constraints import Wishes
from serve.errors import DeadlineError, InvalidRequestError, NotReadyError, ServiceError
from serve.generation import Choose, Classify, Keep
from serve.image_request import ImageRequest
from serve.image_store import ImageStore
from serve.job import Job, run
from serve.pictures import Picture
from serve.settings import Settings
from serve.targets import Targets
from serve.vitals import make_vitals
from tests.serve.conftest import MakeClassifier
from tests.serve.fake_time import FakeTime

REQUEST = ImageRequest("two cats")
SLOW = Wishes(deadline_ms=5000)


def classify(classifier: IntentClassifier, time: FakeTime) -> Classify:
    return Classify(Classification(classifier, None, Settings(), load_catalog()), time.clock)


def choose(settings: Settings) -> Choose:
    catalog, time = load_catalog(), FakeTime()
    return Choose(catalog, Targets.from_settings(settings, catalog), make_vitals(time.clock), time.clock)


async def test_steps_run_in_order_up_to_the_one_that_fails() -> None:
    """Each step gets what the one before returned; none runs after a failure."""

    async def warn(job: Job) -> Job:
        return replace(job, warnings=(*job.warnings, "seen"))

    async def fail(job: Job) -> Job:
        return replace(job, failure=NotReadyError("no"))

    ended = await run(Job(REQUEST), (warn, warn, fail, warn))
    assert ended.warnings == ("seen", "seen")
    assert isinstance(ended.failure, NotReadyError)


def test_a_job_cannot_be_changed() -> None:
    """Steps return new jobs; the old one stays what it was."""
    with pytest.raises(AttributeError):
        Job(REQUEST).failure = NotReadyError("no")  # type: ignore[misc]


@pytest.mark.parametrize("asked", [{"model": "dalle-3-std"}, {"intent": "preview"}])
async def test_what_the_caller_chose_is_not_classified(asked: dict[str, str], make_classifier: MakeClassifier) -> None:
    """A named model or intent needs no classifier, and none is asked."""

    def refuse() -> None:
        raise AssertionError("asked")

    ended = await classify(make_classifier(refuse), FakeTime())(Job(REQUEST, **asked))  # type: ignore[arg-type]
    assert ended.prediction is None


async def test_classifying_takes_of_the_callers_time(make_classifier: MakeClassifier) -> None:
    """What is left of the deadline is what models are chosen and asked by."""
    time = FakeTime()

    def take_two_seconds() -> None:
        time.at += 2

    ended = await classify(make_classifier(take_two_seconds), time)(Job(REQUEST, wishes=SLOW))
    assert ended.wishes.deadline_ms == 3000
    assert ended.prediction is not None


async def test_a_deadline_can_pass_while_the_prompt_is_classified(make_classifier: MakeClassifier) -> None:
    """Then nobody is asked."""
    time = FakeTime()

    def take_five_seconds() -> None:
        time.at += 5

    ended = await classify(make_classifier(take_five_seconds), time)(Job(REQUEST, wishes=SLOW))
    assert isinstance(ended.failure, DeadlineError)


async def test_a_deadline_ends_the_wait_for_a_thread_too(make_classifier: MakeClassifier) -> None:
    """With every thread at somebody else's prompt, nobody waits longer than they said."""
    gate, step = threading.Event(), classify(make_classifier(lambda: gate.wait(60)), FakeTime())
    busy = [asyncio.create_task(step(Job(replace(REQUEST, prompt=f"{n}")))) for n in range(Settings().classify_threads)]
    await asyncio.sleep(0)
    ended = await asyncio.wait_for(step(Job(REQUEST, wishes=Wishes(deadline_ms=50))), 30)
    gate.set()
    assert isinstance(ended.failure, DeadlineError)
    assert all(job.prediction for job in await asyncio.gather(*busy))


async def test_a_job_that_no_model_can_take_ends_with_the_reasons(settings: Settings) -> None:
    """Every model of the route is in the answer, with what speaks against it."""
    wishes = Wishes(allow=frozenset({"recraft"}))
    ended = await choose(settings)(Job(REQUEST, intent="preview", wishes=wishes))
    assert isinstance(ended.failure, InvalidRequestError)
    assert [candidate.taken for candidate in ended.route.candidates] == [False] * 4
    assert "not among what the caller allows" in str(ended.failure)


async def test_without_any_key_the_operator_is_told_what_to_set(tmp_path: Path) -> None:
    """Choosing says which variables would help."""
    with pytest.raises(NotReadyError, match="OPENAI_API_KEY"):
        await choose(Settings(home=tmp_path, sandbox="off"))(Job(REQUEST, intent="preview"))


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """The system refuses to write any file beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_picture_that_cannot_be_stored_loses_none_of_the_others(tmp_path: Path, png: bytes) -> None:
    """Those that can be are an answer, each under its own id, which says how many are missing and why."""
    drawn = [Picture(data, "image/png", 8, 8) for data in (png, bytes(20_000), png + b"another", bytes(30_000))]
    store = ImageStore(tmp_path)
    with room_for(10_000):
        ended = await Keep(store)(Job(REQUEST, pictures=tuple(drawn), warnings=("seen",)))
    assert (ended.failure, ended.pictures) == (None, (drawn[0], drawn[2]))
    assert [store.read(image_id) for image_id in ended.image_ids] == [png, png + b"another"]
    assert ended.warnings == (
        "seen",
        f"drawn and billed, but could not be stored: 2 of 4 pictures ({os.strerror(errno.EFBIG)})",
    )


async def test_what_cannot_be_stored_is_told_with_what_it_cost(tmp_path: Path, png: bytes) -> None:
    """The pictures are drawn and paid for: the failure is ours, and the job keeps all it knows."""
    (tmp_path / "images").write_text("not a folder")
    drawn = Job(REQUEST, pictures=(Picture(png, "image/png", 8, 8),), warnings=("seen",))
    ended = await Keep(ImageStore(tmp_path / "images"))(drawn)
    assert isinstance(ended.failure, ServiceError)
    assert (ended.failure.code, ended.image_ids, ended.warnings) == ("storage_error", (), ("seen",))
    assert "drawn and billed" in str(ended.failure)
