"""A service that closes: calls under way end, for they are paid for, and no other is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from serve.errors import ContentPolicyError, ShuttingDownError
from serve.job import Job
from serve.sandbox.faults import FaultRule
from serve.settings import Settings
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import FLARE, Gate, Scene, job, outcomes, sandbox_with, stage


class Standstill(FakeTime):
    """A clock by which no wait ever ends; `waiting` is set when somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = asyncio.Event()

    async def _sleep(self, seconds: float) -> None:
        self.waiting.set()
        await asyncio.Event().wait()


@dataclass(frozen=True)
class Closing:
    """A loop whose service closes at a `word`, and the gate before its vendors."""

    scene: Scene
    gate: Gate
    time: Standstill
    word: asyncio.Event

    async def during(self, asked: Job, images: int = 1) -> Job:
        """How the job ends where the word comes while so many images are in flight."""
        run = asyncio.create_task(self.scene.run(asked))
        await self.gate.holds(images)
        self.word.set()
        self.gate.opened.set()
        return await run


@asynccontextmanager
async def closing(home: Path, *faults: FaultRule) -> AsyncIterator[Closing]:
    """The loop in front of a sandbox with these faults, whose gate is shut."""
    gate, time, word = Gate(httpx.ASGITransport(app=sandbox_with(*faults))), Standstill(), asyncio.Event()
    settings = Settings(home=home, sandbox="on")
    async with asyncio.timeout(60), stage(home, gate, settings=settings, time=time, closing=word) as scene:
        yield Closing(scene, gate, time, word)


async def test_what_is_being_drawn_is_an_answer(tmp_path: Path) -> None:
    """The vendor bills it."""
    async with closing(tmp_path) as service:
        ended = await service.during(job())
    assert (ended.failure, len(ended.pictures)) == (None, 1)


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (FaultRule(status=500), job(model=FLARE)),  # it would be asked again,
        (FaultRule(status=401), job()),  # the next candidate would be,
        (FaultRule(effect="gone"), job(model="imagen-4-fast")),  # its successor would be
    ],
    ids=["again", "next", "successor"],
)
async def test_no_call_follows(fault: FaultRule, asked: Job, tmp_path: Path) -> None:
    """The call under way is in the books with its end; the error says why it was the last, and may be repeated."""
    async with closing(tmp_path, fault) as service:
        ended = await service.during(asked)
        [entry] = await service.scene.ledger()
    assert isinstance(ended.failure, ShuttingDownError)
    assert (ended.failure.status, ended.failure.worth_repeating) == (503, True)
    assert len(ended.attempts) == 1
    assert (entry.outcome, entry.billed) == (ended.attempts[0].outcome, "no")


async def test_a_wait_between_two_calls_ends_at_once(tmp_path: Path) -> None:
    """Also where nobody would have gone on for long."""
    async with closing(tmp_path, FaultRule(status=429, retry_after=15)) as service:
        service.gate.opened.set()
        run = asyncio.create_task(service.scene.run(job(model=FLARE)))
        await service.time.waiting.wait()
        service.word.set()
        ended = await run
    assert isinstance(ended.failure, ShuttingDownError)
    assert [outcome for _, outcome in outcomes(ended)] == ["rate_limited"]


async def test_who_waits_for_a_slot_is_not_drawn(tmp_path: Path) -> None:
    """Ten images are all that Ideogram draws at once: the eleventh was not asked for yet."""
    async with closing(tmp_path) as service:
        asked = [job(model="ideogram-v2a", n=n) for n in (5, 5, 1)]
        runs = [asyncio.create_task(service.scene.run(each)) for each in asked]
        await service.gate.holds(10)
        service.word.set()
        service.gate.opened.set()
        *drawn, waiting = await asyncio.gather(*runs)
    assert [len(each.pictures) for each in drawn] == [5, 5]
    assert isinstance(waiting.failure, ShuttingDownError)
    assert waiting.attempts == ()


async def test_of_several_calls_those_that_draw_are_the_answer(tmp_path: Path) -> None:
    """One of three fails and is not made again: a warning says so, and two pictures are kept."""
    async with closing(tmp_path, FaultRule(nth=2, status=500)) as service:
        ended = await service.during(job(model="dalle-3-std", n=3), images=3)
    assert (ended.failure, len(ended.pictures)) == (None, 2)
    assert any("shutting down" in warning for warning in ended.warnings)


async def test_what_would_have_been_the_end_is_told(tmp_path: Path) -> None:
    """Nothing would have followed a block either."""
    async with closing(tmp_path, FaultRule(effect="content_block")) as service:
        ended = await service.during(job())
    assert isinstance(ended.failure, ContentPolicyError)
