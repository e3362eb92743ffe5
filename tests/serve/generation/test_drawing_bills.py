"""What a request may cost: no picture is paid for twice, several share one bill, and `max_cost` holds for all of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serve.errors import EmptyReplyError, UpstreamError, UpstreamTimeoutError
from serve.retry import RetryRule
from serve.sandbox.faults import FaultRule
from serve.settings import Settings
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import (
    GOOGLE,
    OPENAI,
    PNG,
    RULES,
    Gate,
    Vendors,
    draws,
    job,
    outcomes,
    sandbox_with,
    says,
    stage,
    with_rebill,
)

BFL = "api.bfl.ai"
NOT_A_PICTURE = httpx.Response(200, json={"created": 1, "data": [{"b64_json": "PHN2Zz48L3N2Zz4="}]})
LOST = [
    FaultRule(effect="cut_after", first=1),
    FaultRule(effect="cut_body", first=1),
    FaultRule(latency_ms=60_000, first=1),
]
IMPATIENT = replace(RULES, patience=0.3)


@pytest.mark.parametrize("rule", LOST)
async def test_a_lost_answer_is_billed_once_and_told(rule: FaultRule, tmp_path: Path) -> None:
    """The vendor has drawn, and nobody knows here: 504, no advice to repeat it, one bill in the vendor's own books."""
    sandbox = sandbox_with(rule)
    async with stage(tmp_path, sandbox, rules=IMPATIENT) as scene:
        ended = await scene.run(job())
    assert isinstance(ended.failure, UpstreamTimeoutError)
    assert (ended.failure.status, ended.failure.headers) == (504, {"x-should-retry": "false"})
    assert [attempt.billed for attempt in ended.attempts] == ["unknown"]
    assert sandbox.ledger.totals == {"calls": 1, "billed_calls": 1, "billed_images": 1, "usd": 0.04}


@pytest.mark.parametrize("rule", LOST)
async def test_who_would_rather_pay_twice_gets_the_picture(rule: FaultRule, tmp_path: Path) -> None:
    """With `rebill` the same model draws again, and both bills are in the answer."""
    sandbox = sandbox_with(rule)
    async with stage(tmp_path, sandbox, rules=with_rebill(IMPATIENT)) as scene:
        ended = await scene.run(job())
    assert outcomes(ended) == [("dall-e-3", "upstream_timeout"), ("dall-e-3", "ok")]
    assert sum(attempt.cost_usd for attempt in ended.attempts) == sandbox.ledger.totals["usd"] == 0.08


async def test_with_rebill_the_next_model_may_draw_too(tmp_path: Path) -> None:
    """Where the first one loses every answer."""
    vendors = Vendors({OPENAI: [httpx.ReadTimeout("silence")], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, rules=with_rebill()) as scene:
        ended = await scene.run(job())
    assert [outcome for _, outcome in outcomes(ended)] == ["upstream_timeout"] * 3 + ["ok"]


@pytest.mark.parametrize(
    ("answer", "billed"),
    [(NOT_A_PICTURE, "yes"), (httpx.Response(200, text="<html>"), "unknown")],
)
async def test_what_was_drawn_and_cannot_be_used_is_not_drawn_again(
    answer: httpx.Response, billed: str, tmp_path: Path
) -> None:
    """A broken picture, an unreadable success: paid for perhaps, and so asked of nobody else."""
    vendors = Vendors({OPENAI: [answer], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        ended = await scene.run(job())
    assert isinstance(ended.failure, UpstreamError)
    assert [attempt.billed for attempt in ended.attempts] == [billed]
    assert vendors.called == [OPENAI]


@pytest.mark.parametrize("status", [504, 520, 524])
async def test_an_answer_that_a_gateway_lost_is_lost(status: int, tmp_path: Path) -> None:
    """The vendor behind it may have drawn: told like any lost answer, and asked of nobody else."""
    vendors = Vendors({OPENAI: [httpx.Response(status, text="<html>"), draws], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        ended = await scene.run(job())
    assert isinstance(ended.failure, UpstreamTimeoutError)
    assert (ended.failure.status, ended.failure.headers) == (504, {"x-should-retry": "false"})
    assert "may have been drawn and billed" in str(ended.failure)
    assert [(attempt.status, attempt.billed) for attempt in ended.attempts] == [(status, "unknown")]
    assert vendors.called == [OPENAI]


async def test_an_order_that_is_done_without_a_link_is_not_made_again(tmp_path: Path) -> None:
    """Black Forest Labs have drawn it and charge for it: one order, one poll, and the bill is told."""
    order = {"id": "t", "polling_url": f"https://{BFL}/v1/get_result?id=t", "cost": 3.0}
    done = {"id": "t", "status": "Ready", "result": {"sample": None}}
    vendors = Vendors({BFL: [httpx.Response(200, json=order), httpx.Response(200, json=done)]})
    settings = Settings(home=tmp_path, bfl_api_key=SecretStr("sk-b"))
    async with stage(tmp_path, vendors, settings=settings) as scene:
        ended = await scene.run(job(model="flux-2-pro"))
    assert isinstance(ended.failure, UpstreamError)
    assert [(attempt.billed, attempt.cost_usd > 0) for attempt in ended.attempts] == [("yes", True)]
    assert vendors.called == [BFL] * 2


async def test_several_pictures_are_several_calls_at_once(tmp_path: Path) -> None:
    """A model of one picture a call draws four at the same time; the numbers and the bill are one request's."""
    sandbox = sandbox_with()
    gate = Gate(httpx.ASGITransport(app=sandbox))
    async with stage(tmp_path, gate, settings=Settings(home=tmp_path, sandbox="on")) as scene:
        drawing = asyncio.create_task(scene.run(job(model="dalle-3-std", n=4)))
        await gate.holds(4)
        gate.opened.set()
        ended, entries = await drawing, await scene.ledger()
    assert len(ended.pictures) == 4
    assert {entry.number for entry in entries} == {1, 2, 3, 4}
    assert sum(attempt.cost_usd for attempt in ended.attempts) == pytest.approx(0.16) == sandbox.ledger.totals["usd"]
    assert ended.warnings == ()


async def test_each_of_them_has_its_own_seed(tmp_path: Path) -> None:
    """The same seed thrice would be one picture, paid for three times."""
    sandbox = sandbox_with()
    async with stage(tmp_path, sandbox) as scene:
        asked = job(model="flux-2-klein-4b", n=3)
        await scene.run(replace(asked, request=replace(asked.request, seed=7)))
    assert sorted(call.request["seed"] for call in sandbox.ledger.calls) == [7, 8, 9]  # type: ignore[index]


async def test_some_pictures_are_an_answer(tmp_path: Path) -> None:
    """One of three is blocked: two come, the answer says why they are two, and nobody else is asked."""
    sandbox = sandbox_with(FaultRule(nth=2, effect="content_block"))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job(n=3))
    assert len(ended.pictures) == 2
    assert sorted(outcome for _, outcome in outcomes(ended)) == ["content_policy", "ok", "ok"]
    assert "3 pictures were asked for, 2 came" in ended.warnings
    assert any("content filter" in warning for warning in ended.warnings)
    assert sum(attempt.cost_usd for attempt in ended.attempts) == sandbox.ledger.totals["usd"] == 0.08


async def test_only_the_call_that_failed_is_made_again(tmp_path: Path) -> None:
    """One of three fails for a moment: four calls, three pictures, three bills."""
    sandbox = sandbox_with(FaultRule(nth=2, status=503))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job(n=3))
    assert len(ended.pictures) == 3
    assert sandbox.ledger.totals == {"calls": 4, "billed_calls": 3, "billed_images": 3, "usd": 0.12}


async def test_a_lost_one_among_failed_ones_ends_the_request(tmp_path: Path) -> None:
    """The next model would draw the lost picture once more."""
    vendors = Vendors({OPENAI: [says(503), httpx.ReadError("cut"), says(503)], GOOGLE: [draws]})
    once = replace(RULES, retry=RetryRule(attempts=1))
    # In 2025 DALL·E 3 is alive, and draws one picture a call.
    async with stage(tmp_path, vendors, rules=once, time=FakeTime(date(2025, 6, 1))) as scene:
        ended = await scene.run(job(n=3))
    assert isinstance(ended.failure, UpstreamTimeoutError)
    assert vendors.called == [OPENAI] * 3


async def test_a_try_that_may_be_billed_leaves_less_for_the_next(tmp_path: Path) -> None:
    """A nickel pays for one try of four cents: no second one, by this model or another, and the first error is told."""
    sandbox = sandbox_with(FaultRule(effect="empty_200"))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job(max_cost=0.05))
    assert isinstance(ended.failure, EmptyReplyError)
    assert sandbox.ledger.totals["calls"] == 1


async def test_what_was_not_billed_can_be_spent_again(tmp_path: Path) -> None:
    """Four cents a picture and twelve in all: three calls at once, one of which fails for free and is made again."""
    sandbox = sandbox_with(FaultRule(nth=1, status=503))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job(model="dalle-3-std", n=3, max_cost=0.12))
    assert len(ended.pictures) == 3
    assert sandbox.ledger.totals["usd"] == 0.12


async def test_max_cost_holds_whatever_goes_wrong(tmp_path: Path) -> None:
    """A dozen requests for several pictures, with all kinds of faults: no bill is over what its caller would pay."""
    faults = (
        FaultRule(one_in=4, effect="empty_200"),
        FaultRule(one_in=5, status=503),
        FaultRule(one_in=7, effect="cut_after"),
        FaultRule(one_in=9, effect="content_block"),
    )
    sandbox = sandbox_with(*faults)
    async with stage(tmp_path, sandbox, rules=with_rebill()) as scene:
        for n in range(12):
            before = sandbox.ledger.totals["usd"]
            ended = await scene.run(job(n=1 + n % 3, max_cost=0.04 * (1 + n % 3) + 0.05))
            told = sum(attempt.cost_usd for attempt in ended.attempts)
            assert sandbox.ledger.totals["usd"] - before <= told + 1e-9
            assert told <= 0.04 * (1 + n % 3) + 0.05 + 1e-9


def test_the_sample_is_a_picture() -> None:
    """What the scripted vendors draw is a PNG."""
    assert PNG.startswith(b"\x89PNG")
