"""A model that fails is left alone, and asked by one call whether it is back; what is not its fault is not counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from serve.errors import CircuitOpenError, UpstreamError
from serve.job import Job
from serve.retry import RetryRule
from serve.sandbox.faults import FaultRule
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import (
    FLARE,
    GOOGLE,
    OPENAI,
    RULES,
    Answer,
    Gate,
    Scene,
    Vendors,
    draws,
    job,
    keyed,
    outcomes,
    sandbox_with,
    says,
    stage,
)


def state(scene: Scene, row: str = FLARE) -> str:
    return scene.vitals.breakers.states()[row].state


async def fail_until_open(scene: Scene) -> None:
    while not scene.vitals.breakers.open_rows():
        assert (await scene.run(job(model=FLARE))).failure is not None


async def test_five_failures_in_a_row_open_it(tmp_path: Path) -> None:
    """The next request passes the model over and says why; a caller who names it hears that it rests."""
    vendors = Vendors({OPENAI: [says(500)], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        first, second, third = [await scene.run(job()) for _ in range(3)]
        named = await scene.run(job(model="dalle-3-std"))
    assert [len(each.attempts) for each in (first, second, third)] == [4, 3, 1]
    assert "circuit breaker is open" in third.route.candidates[0].reason
    assert isinstance(named.failure, CircuitOpenError)
    assert (named.failure.status, named.attempts) == (503, ())
    assert 29 < float(named.failure.headers["retry-after"]) <= 30
    assert vendors.called.count(OPENAI) == 5


async def test_one_probe_asks_whether_it_is_back(tmp_path: Path) -> None:
    """After the cool-down one call of many goes out; its answer closes the breaker for all."""
    gate = Gate(httpx.MockTransport(Vendors({OPENAI: [*[says(500)] * 5, draws]})))
    gate.opened.set()
    async with stage(tmp_path, gate, settings=keyed(tmp_path)) as scene:
        await fail_until_open(scene)
        assert state(scene) == "open"
        scene.time.at += 30
        assert state(scene) == "half_open"
        gate.opened.clear()
        runs = [asyncio.create_task(scene.run(job(model=FLARE))) for _ in range(5)]
        ended = await _ended(runs, 4)
        assert {type(each.failure) for each in ended} == {CircuitOpenError}
        await gate.holds(1)
        gate.opened.set()
        drawn = [each for each in await asyncio.gather(*runs) if each.failure is None]
        assert [outcomes(each) for each in drawn] == [[(FLARE, "ok")]]
        assert gate.most == 1
        assert state(scene) == "closed"


async def _ended(runs: list[asyncio.Task[Job]], number: int) -> list[Job]:
    """The first so many to end."""
    done: set[asyncio.Task[Job]] = set()
    while len(done) < number:
        ended, _ = await asyncio.wait(set(runs) - done, return_when=asyncio.FIRST_COMPLETED)
        done |= ended
    return [run.result() for run in done]


async def test_a_probe_that_answers_lets_the_other_pictures_follow(tmp_path: Path) -> None:
    """Of four pictures in four calls one is the probe; the others are asked for once it has answered."""
    vendors, in_2025 = Vendors({OPENAI: [*[says(500)] * 5, draws]}), FakeTime(date(2025, 6, 1))
    async with stage(tmp_path, vendors, time=in_2025) as scene:
        while not scene.vitals.breakers.open_rows():
            await scene.run(job(model="dalle-3-std"))
        scene.time.at += 30
        ended = await scene.run(job(model="dalle-3-std", n=4))
    assert outcomes(ended) == [("dall-e-3", "ok")] * 4
    assert (len(ended.pictures), ended.warnings) == (4, ())


async def test_a_probe_that_fails_ends_all_the_pictures(tmp_path: Path) -> None:
    """It is one call: the others would have gone to a model that is still out."""
    vendors, in_2025 = Vendors({OPENAI: [says(500)]}), FakeTime(date(2025, 6, 1))
    async with stage(tmp_path, vendors, time=in_2025) as scene:
        while not scene.vitals.breakers.open_rows():
            await scene.run(job(model="dalle-3-std"))
        scene.time.at += 30
        ended = await scene.run(job(model="dalle-3-std", n=4))
    assert outcomes(ended) == [("dall-e-3", "upstream_error")]
    assert isinstance(ended.failure, UpstreamError)


async def test_a_probe_that_fails_opens_it_for_longer(tmp_path: Path) -> None:
    """The second rest is twice as long, and the probe is not repeated at once."""
    vendors = Vendors({OPENAI: [says(500)]})
    async with stage(tmp_path, vendors) as scene:
        await fail_until_open(scene)
        calls = len(vendors.called)
        scene.time.at += 30
        probe = await scene.run(job(model=FLARE))
        assert len(probe.attempts) == len(vendors.called) - calls == 1
        assert 59 < scene.vitals.breakers.states()[FLARE].probe_in <= 60


@pytest.mark.parametrize(
    "rule",
    [
        FaultRule(status=429),
        FaultRule(status=401),
        FaultRule(status=429, code="insufficient_quota"),
        FaultRule(status=400),
        FaultRule(effect="content_block"),
    ],
)
async def test_what_is_not_the_models_fault_is_not_counted(rule: FaultRule, tmp_path: Path) -> None:
    """Rate limits, our key, our account, the caller's prompt: twelve in a row leave the breaker closed and empty."""
    async with stage(tmp_path, sandbox_with(rule)) as scene:
        for _ in range(12):
            await scene.run(job(model=FLARE))
        assert scene.vitals.breakers.states()[FLARE].verdicts == 0
        assert state(scene) == "closed"


@pytest.mark.parametrize(
    "trouble", [says(503), httpx.ConnectError("refused"), httpx.ReadTimeout("silence"), httpx.Response(200, json={})]
)
async def test_what_is_the_models_fault_is(trouble: Answer, tmp_path: Path) -> None:
    """5xx, no connection, a lost answer and an unreadable one open it after five calls."""
    vendors = Vendors({OPENAI: [trouble]})
    async with stage(tmp_path, vendors) as scene:
        await fail_until_open(scene)
    assert len(vendors.called) == 5


class Uneven(httpx.AsyncBaseTransport):
    """So many calls are refused at once; the others draw, when they are told to."""

    def __init__(self, refused: int) -> None:
        self._left = refused
        self.draw = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left >= 0:
            return says(503)
        await self.draw.wait()
        return draws(request)


@pytest.mark.parametrize(("refused", "then"), [(10, "closed"), (24, "open")])
async def test_quick_refusals_do_not_outvote_pictures_under_way(refused: int, then: str, tmp_path: Path) -> None:
    """Of 24 calls at once the refused end first: ten say nothing while fourteen draw, and all of them an outage."""
    uneven, once = Uneven(refused), replace(RULES, retry=RetryRule(attempts=1))
    async with stage(tmp_path, uneven, settings=keyed(tmp_path), rules=once) as scene:
        runs = [asyncio.create_task(scene.run(job(model=FLARE))) for _ in range(24)]
        await _ended(runs, refused)
        assert state(scene) == then
        uneven.draw.set()
        await asyncio.gather(*runs)
        assert state(scene) == then
