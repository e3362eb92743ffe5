"""How long a request may take: the caller's time is shared by all that is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from serve.attempt import Attempt
from serve.candidates import Candidate
from serve.catalog import load_catalog
from serve.drawing import Draw
from serve.errors import DeadlineError, RateLimitedError, UpstreamError, UpstreamTimeoutError
from serve.passage import PASSAGE
from serve.policy import Route
from serve.retry import RetryRule
from serve.settings import Settings
from serve.targets import Targets
from serve.trying import Order, Outcome
from serve.vitals import make_vitals
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import (
    FLARE,
    GOOGLE,
    OPENAI,
    PNG,
    RULES,
    Gate,
    Vendors,
    draws,
    job,
    keyed,
    outcomes,
    says,
    stage,
)


def slowly(time: FakeTime, seconds: float, answer: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    def respond(request: httpx.Request) -> httpx.Response:
        time.at += seconds
        return answer

    return respond


async def test_a_wait_that_would_pass_the_deadline_is_not_begun(tmp_path: Path) -> None:
    """Seven seconds are not waited where five are left: the next model is asked at once."""
    vendors = Vendors({OPENAI: [says(429, headers={"retry-after": "7"})], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        ended = await scene.run(job(deadline_ms=5000))
    assert outcomes(ended)[1:] == [("gemini-nano-banana-2.1", "ok")]
    assert vendors.called == [OPENAI, GOOGLE]
    assert scene.time.slept == []


async def test_without_a_next_model_the_vendors_wait_is_told(tmp_path: Path) -> None:
    """The caller can keep a wait that its own deadline was too short for."""
    async with stage(tmp_path, Vendors({OPENAI: [says(429, headers={"retry-after": "7"})]})) as scene:
        ended = await scene.run(job(model=FLARE, deadline_ms=5000))
    assert isinstance(ended.failure, RateLimitedError)
    assert ended.failure.headers == {"retry-after": "7"}


async def test_nobody_is_asked_once_time_is_up(tmp_path: Path) -> None:
    """A failure that took all the time is a 504 that says not to try the same again; the next model is not called."""
    time = FakeTime()
    vendors = Vendors({OPENAI: [slowly(time, 6, says(500))], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, time=time) as scene:
        ended = await scene.run(job(deadline_ms=5000))
    assert isinstance(ended.failure, DeadlineError)
    assert (ended.failure.status, ended.failure.headers) == (504, {"x-should-retry": "false"})
    assert [attempt.outcome for attempt in ended.attempts] == ["upstream_error"]
    assert vendors.called == [OPENAI]


async def test_a_request_without_a_deadline_has_the_operators(tmp_path: Path) -> None:
    """`PROMPT_INTENT_DEADLINE` ends what nobody else limits."""
    time = FakeTime()
    vendors = Vendors({OPENAI: [slowly(time, 6, says(500))], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, time=time, rules=replace(RULES, deadline=5.0)) as scene:
        ended = await scene.run(job())
    assert isinstance(ended.failure, DeadlineError)


async def test_a_call_gets_the_time_that_is_left(tmp_path: Path) -> None:
    """The first call may take as long as any call may, the second one what the first and the wait have left."""
    time, patience = FakeTime(), list[float]()

    async def fail(order: Order) -> Outcome:
        patience.append(order.patience)
        time.at += 15
        error = UpstreamError("no", provider="openai")
        return Outcome((Attempt(order.name, "id", error.kind, 500, 15_000, 0.0, "no"),), error=error)

    catalog = load_catalog()
    targets = Targets.from_settings(keyed(tmp_path), catalog)
    rules = replace(RULES, patience=20.0)
    draw = Draw(fail, make_vitals(time.clock), rules, catalog, targets, time.clock, chance=lambda: 0.5)
    taken = Candidate(FLARE, taken=True, reason="named", row=catalog.models[FLARE])
    ended = await draw(replace(job(deadline_ms=32_000), route=Route(None, "", (taken,), ())))
    assert patience == [20.0, 16.75, 1.25]
    assert isinstance(ended.failure, UpstreamError)


@pytest.mark.parametrize(("patience", "verdicts"), [(60.0, 0), (0.05, 1)])
async def test_silence_counts_against_a_model_only_if_it_had_its_time(
    patience: float, verdicts: int, tmp_path: Path
) -> None:
    """A caller's short deadline ends the call, maybe billed; the breaker hears of it only if the model was too slow."""
    gate = Gate(httpx.MockTransport(draws))
    rules = replace(RULES, patience=patience)
    async with stage(tmp_path, gate, settings=keyed(tmp_path), rules=rules) as scene:
        ended = await scene.run(job(model=FLARE, deadline_ms=50))
    assert isinstance(ended.failure, UpstreamTimeoutError)
    assert [attempt.billed for attempt in ended.attempts] == ["unknown"]
    assert scene.vitals.breakers.states()[FLARE].verdicts == verdicts


async def test_a_vendor_that_hangs_is_left_alone_though_all_callers_are_in_a_hurry(tmp_path: Path) -> None:
    """Previews have less time than a call may take: after a few lost ones the next model draws the others."""
    gate = Gate(httpx.MockTransport(draws))
    async with stage(tmp_path, gate, settings=keyed(tmp_path)) as scene:
        for _ in range(10):
            assert (await scene.run(job(model=FLARE, deadline_ms=20))).failure is not None
        assert scene.vitals.breakers.open_rows() == {FLARE}


@dataclass
class Unreachable(httpx.AsyncBaseTransport):
    """OpenAI cannot be connected to, however long one tries; everybody else draws."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions[PASSAGE].connecting()
        if request.url.host == OPENAI:
            await asyncio.sleep(3600)
        request.extensions[PASSAGE].connected()
        return draws(request)


async def test_who_could_not_be_reached_is_not_billed(tmp_path: Path) -> None:
    """Time for one call that ends while connecting: nothing was sent, and the next model draws."""
    rules = replace(RULES, patience=0.1, retry=RetryRule(attempts=1))
    async with stage(tmp_path, Unreachable(), settings=keyed(tmp_path), rules=rules) as scene:
        ended = await scene.run(job())
    assert [(attempt.outcome, attempt.billed) for attempt in ended.attempts] == [
        ("upstream_error", "no"),
        ("ok", "yes"),
    ]


async def test_a_deadline_that_is_too_short_to_connect_in_is_told(tmp_path: Path) -> None:
    """Nothing is billed, and the model is not to blame."""
    async with stage(tmp_path, Unreachable(), settings=keyed(tmp_path)) as scene:
        ended = await scene.run(job(model=FLARE, deadline_ms=50))
    assert isinstance(ended.failure, DeadlineError)
    assert [(attempt.outcome, attempt.billed) for attempt in ended.attempts] == [("deadline_exceeded", "no")]
    assert scene.vitals.breakers.states()[FLARE].verdicts == 0


@dataclass
class Linking(httpx.AsyncBaseTransport):
    """Ideogram draws at once; its picture is there after `seconds`."""

    seconds: float

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"data": [{"url": "https://ideogram.ai/x.png", "is_image_safe": True}]})
        await asyncio.sleep(self.seconds)
        return httpx.Response(200, content=PNG)


@pytest.mark.parametrize(("seconds", "outcome"), [(0.5, "ok"), (3600, "upstream_error")])
async def test_a_drawn_picture_has_a_grace(seconds: float, outcome: str, tmp_path: Path) -> None:
    """It is fetched for a while after the deadline, for it is paid for; and not for ever."""
    grace_s = 5.0 if outcome == "ok" else 0.1
    scene_of = stage(tmp_path, Linking(seconds), settings=keyed(tmp_path), grace_s=grace_s)
    async with scene_of as scene, asyncio.timeout(60):
        ended = await scene.run(job(model="ideogram-3", deadline_ms=200))
    assert [(attempt.outcome, attempt.billed) for attempt in ended.attempts] == [(outcome, "yes")]


def test_the_settings_make_the_rules() -> None:
    """A call may take its connection's and its answer's time together."""
    from serve.service import call_rules

    rules = call_rules(Settings(connect_timeout=2, read_timeout=30, deadline=99, attempts=2, rebill=True))
    assert (rules.patience, rules.deadline, rules.rebill, rules.retry.attempts) == (32.0, 99.0, True, 2)
    assert [call_rules(Settings(fallback_on_block=on)).fallback_on_block for on in (False, True)] == [False, True]
