"""How much a provider is asked at once, and what happens to those who come on top."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from serve.errors import OverloadedError
from serve.job import Job
from serve.sandbox.app import create_sandbox
from serve.settings import Settings
from serve.vitals import make_vitals
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import Gate, Scene, job, outcomes, stage


@asynccontextmanager
async def behind_a_gate(home: Path, queue: int = 100) -> AsyncIterator[tuple[Scene, Gate]]:
    gate, time = Gate(httpx.ASGITransport(app=create_sandbox())), FakeTime()
    vitals = make_vitals(time.clock, queue=queue)
    settings = Settings(home=home, sandbox="on")
    async with stage(home, gate, settings=settings, time=time, vitals=vitals) as scene:
        yield scene, gate


@pytest.mark.parametrize(("n", "requests"), [(1, 14), (4, 4), (8, 2)])
async def test_ten_of_ideograms_images_are_in_flight_and_no_more(n: int, requests: int, tmp_path: Path) -> None:
    """Requests count by their images; those over ten wait, and all are drawn."""
    fitting = 10 // n * n
    async with behind_a_gate(tmp_path) as (scene, gate):
        runs = [asyncio.create_task(scene.run(job(model="ideogram-v2a", n=n))) for _ in range(requests)]
        await gate.holds(fitting)
        await _queued(scene, requests - fitting // n)
        gate.opened.set()
        ended = await asyncio.gather(*runs)
    assert [len(each.pictures) for each in ended] == [n] * requests
    assert gate.most == fitting


async def test_a_full_queue_sheds_what_comes_on_top(tmp_path: Path) -> None:
    """Ten in flight and three waiting: the others get 429 and when to come again at once, and nobody is asked."""
    async with behind_a_gate(tmp_path, queue=3) as (scene, gate):
        runs = [asyncio.create_task(scene.run(job(model="ideogram-v2a"))) for _ in range(16)]
        await gate.holds(10)
        done: set[asyncio.Task[Job]] = set()
        while len(done) < 3:
            ended, _ = await asyncio.wait(set(runs) - done, return_when=asyncio.FIRST_COMPLETED)
            done |= ended
        shed = [run.result() for run in done]
        gate.opened.set()
        failures = [each.failure for each in await asyncio.gather(*runs)]
    assert failures.count(None) == 13
    for each in shed:
        assert isinstance(each.failure, OverloadedError)
        assert (each.failure.status, each.attempts) == (429, ())
        assert int(each.failure.headers["retry-after"]) >= 1
    assert gate.most == 10


async def test_a_busy_provider_is_anothers_chance(tmp_path: Path) -> None:
    """What is shed by one goes to the next model of the route, whose provider has slots of its own."""
    async with behind_a_gate(tmp_path, queue=0) as (scene, gate):
        filling = [asyncio.create_task(scene.run(job(model="ideogram-v2a", n=5))) for _ in range(2)]
        await gate.holds(10)
        other = asyncio.create_task(scene.run(job(intent="text_heavy")))
        await gate.holds(11)
        gate.opened.set()
        ended, *_ = await asyncio.gather(other, *filling)
    assert outcomes(ended) == [("gpt-image-2.5-sunburst", "ok")]


async def test_a_wait_does_not_pass_the_deadline(tmp_path: Path) -> None:
    """Who finds no slot in time is told so, and holds up nobody behind."""
    async with behind_a_gate(tmp_path) as (scene, gate):
        filling = [asyncio.create_task(scene.run(job(model="ideogram-v2a", n=5))) for _ in range(2)]
        await gate.holds(10)
        ended = await scene.run(job(model="ideogram-v2a", deadline_ms=30))
        gate.opened.set()
        await asyncio.gather(*filling)
    assert isinstance(ended.failure, OverloadedError)
    assert ended.attempts == ()
    assert scene.vitals.limiter.states()["ideogram"].in_use == 0


async def _queued(scene: Scene, requests: int) -> None:
    for _ in range(1000):
        if scene.vitals.limiter.states()["ideogram"].queued == requests:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not as many are waiting")
