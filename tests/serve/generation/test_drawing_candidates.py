"""Whose turn it is: which error of several calls decides, who is passed over, and that the answer says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from serve.breaker import BreakerSettings
from serve.errors import ContentPolicyError, RateLimitedError, UpstreamTimeoutError
from serve.retry import RetryRule
from serve.sandbox.faults import FaultRule
from serve.vitals import make_vitals
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import (
    FLARE,
    GOOGLE,
    IDEOGRAM,
    OPENAI,
    RULES,
    Answer,
    Vendors,
    draws,
    job,
    outcomes,
    sandbox_with,
    says,
    stage,
    with_rebill,
)

ONCE = replace(RULES, retry=RetryRule(attempts=1))
BLOCKED, BUSY = says(400, "moderation_blocked"), says(429)
WAIT = says(429, headers={"retry-after": "60"})


@pytest.mark.parametrize("answers", [(BUSY, BLOCKED), (BLOCKED, BUSY), (says(500), BUSY, BLOCKED)])
async def test_one_block_of_several_calls_decides(answers: tuple[Answer, ...], tmp_path: Path) -> None:
    """A prompt that is blocked goes to nobody else, in whatever order the calls for its pictures end."""
    vendors, in_2025 = Vendors({OPENAI: answers, GOOGLE: [draws]}), FakeTime(date(2025, 6, 1))
    async with stage(tmp_path, vendors, rules=ONCE, time=in_2025) as scene:
        ended = await scene.run(job(n=len(answers)))
    assert isinstance(ended.failure, ContentPolicyError)
    assert vendors.called == [OPENAI] * len(answers)


async def test_a_block_beside_a_lost_answer_decides_with_rebill(tmp_path: Path) -> None:
    """Who would pay twice still does not show a blocked prompt around."""
    vendors = Vendors({OPENAI: [says(504), BLOCKED], GOOGLE: [draws]})
    rules, in_2025 = with_rebill(ONCE), FakeTime(date(2025, 6, 1))
    async with stage(tmp_path, vendors, rules=rules, time=in_2025) as scene:
        ended = await scene.run(job(n=2))
    assert isinstance(ended.failure, ContentPolicyError)
    assert vendors.called == [OPENAI] * 2


async def test_without_rebill_a_lost_answer_is_told_before_a_block(tmp_path: Path) -> None:
    """Both end the request; that money may be spent is what the caller has to know."""
    vendors, in_2025 = Vendors({OPENAI: [BLOCKED, httpx.ReadError("cut")]}), FakeTime(date(2025, 6, 1))
    async with stage(tmp_path, vendors, rules=ONCE, time=in_2025) as scene:
        ended = await scene.run(job(n=2))
    assert isinstance(ended.failure, UpstreamTimeoutError)


async def test_a_block_goes_on_where_the_operator_says_so(tmp_path: Path) -> None:
    """`fallback_on_block` shows the prompt to the next model."""
    vendors = Vendors({OPENAI: [BLOCKED], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, rules=replace(RULES, fallback_on_block=True)) as scene:
        ended = await scene.run(job())
    assert [outcome for _, outcome in outcomes(ended)] == ["content_policy", "ok"]


async def test_a_block_that_is_billed_goes_on_too(tmp_path: Path) -> None:
    """Ideogram charges for a picture that it holds back; both bills are in the answer."""
    sandbox = sandbox_with(FaultRule(model="V_2A", effect="content_block"))
    async with stage(tmp_path, sandbox, rules=replace(RULES, fallback_on_block=True)) as scene:
        ended = await scene.run(job(intent="text_heavy"))
    assert [attempt.billed for attempt in ended.attempts] == ["yes", "yes"]
    assert ended.failure is None


async def test_a_long_wait_is_remembered(tmp_path: Path) -> None:
    """The vendor that asks for a minute gets one call of twenty requests; the others say who was passed over."""
    vendors = Vendors({OPENAI: [WAIT], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        ended = [await scene.run(job()) for _ in range(20)]
        assert vendors.called.count(OPENAI) == 1
        assert "dalle-3-std comes last: its vendor asked us to wait another 60 s" in ended[1].warnings
        assert [each.failure for each in ended] == [None] * 20
        scene.time.at += 60
        await scene.run(job())
    assert vendors.called.count(OPENAI) == 2


async def test_who_asks_to_wait_is_still_the_last_resort(tmp_path: Path) -> None:
    """Where the others fail, or the caller names it, it is asked."""
    vendors = Vendors({OPENAI: [WAIT, draws], GOOGLE: [draws, says(500)], IDEOGRAM: [says(500)]})
    async with stage(tmp_path, vendors, rules=ONCE) as scene:
        await scene.run(job())
        last = await scene.run(job())
        scene.vitals.note_wait(FLARE, 60)
        named = await scene.run(job(model=FLARE))
    assert outcomes(last)[-1] == ("gpt-image-2.5-sunburst", "ok")
    assert len(last.attempts) == 3
    assert (named.failure, named.warnings) == (None, ())


async def test_a_short_wait_is_kept_by_its_own_request_only(tmp_path: Path) -> None:
    """A second's wait is over before another model would have drawn: nobody is passed over for it."""
    vendors = Vendors({OPENAI: [says(429, headers={"retry-after": "1"})], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, rules=ONCE) as scene:
        ended = [await scene.run(job()) for _ in range(3)]
    assert [len(each.attempts) for each in ended] == [2] * 3
    assert [each.warnings for each in ended] == [()] * 3


async def test_who_is_not_asked_for_want_of_answers_is_named(tmp_path: Path) -> None:
    """In an outage that no breaker sees, substitutes are soon called no more: the error's answer explains it."""
    time = FakeTime()
    never = BreakerSettings(consecutive=10**6, last=10**6, least=10**6)
    vendors = Vendors({OPENAI: [BUSY], GOOGLE: [BUSY], IDEOGRAM: [BUSY]})
    async with stage(tmp_path, vendors, time=time, vitals=make_vitals(time.clock, never)) as scene:
        ended = [await scene.run(job()) for _ in range(20)]
    assert ended[0].warnings == ()
    assert "gemini-nano-banana-2.1 was not asked: it has answered too few of its calls of late" in ended[-1].warnings
    assert isinstance(ended[-1].failure, RateLimitedError)
