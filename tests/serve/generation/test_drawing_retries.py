"""The same model again: when, after which wait, and how many times in all."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from serve.errors import ContentPolicyError, ProviderInvalidRequestError, RateLimitedError, UpstreamError
from serve.sandbox.faults import FaultRule
from tests.serve.generation.drawing_scene import (
    FLARE,
    GOOGLE,
    OPENAI,
    Answer,
    Vendors,
    draws,
    job,
    outcomes,
    sandbox_with,
    says,
    stage,
)


@pytest.mark.parametrize(
    "trouble",
    [*map(says, (500, 503, 429, 408, 409, 425)), httpx.ConnectError("refused")],
)
async def test_what_passes_in_a_moment_is_asked_again(trouble: Answer, tmp_path: Path) -> None:
    """Two failures that cost nothing and a picture: three calls to the same model, jittered waits, one bill."""
    vendors = Vendors({OPENAI: [trouble, trouble, draws]})
    chances = iter((0.5, 0.25))
    async with stage(tmp_path, vendors, chance=lambda: next(chances)) as scene:
        ended = await scene.run(job())
    assert [attempt.outcome for attempt in ended.attempts[2:]] == ["ok"]
    assert vendors.called == [OPENAI] * 3
    # Half of up to half a second, then a quarter of up to one.
    assert scene.time.slept == [0.25, 0.25]
    assert [attempt.billed for attempt in ended.attempts] == ["no", "no", "yes"]


@pytest.mark.parametrize("vendor_model", ["gpt-image-2.5-flare", "imagen-4.0-fast-generate-001", "V_2A"])
async def test_every_vendors_wait_is_kept(vendor_model: str, tmp_path: Path) -> None:
    """OpenAI and Ideogram say it in a header, Google in the body: no call comes back before its seconds are over."""
    sandbox = sandbox_with(FaultRule(model=vendor_model, first=1, status=429, retry_after=7))
    async with stage(tmp_path, sandbox) as scene:
        name = next(row.name for row in scene.catalog.models.values() if row.vendor_model == vendor_model)
        ended = await scene.run(job(model=name))
    assert outcomes(ended) == [(vendor_model, "rate_limited"), (vendor_model, "ok")]
    assert scene.time.slept == [7.25]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "3"}, 3.25),
        ({"retry-after-ms": "1500"}, 1.75),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:09 GMT", "date": "Sun, 22 Nov 2026 10:00:05 GMT"}, 4.25),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:01 GMT", "date": "Sun, 22 Nov 2026 10:00:05 GMT"}, 0.25),
        ({"retry-after": "0"}, 0.25),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "-5"}, 0.25),
        ({"retry-after": "soon"}, 0.25),
    ],
)
async def test_a_wait_may_be_seconds_or_a_date(headers: dict[str, str], wait: float, tmp_path: Path) -> None:
    """Both are understood, jitter comes on top, and what cannot be read counts as not said."""
    vendors = Vendors({OPENAI: [says(429, headers=headers), draws]})
    async with stage(tmp_path, vendors) as scene:
        ended = await scene.run(job(model=FLARE))
    assert ended.failure is None
    assert scene.time.slept == [wait]


@pytest.mark.parametrize("seconds", ["21", "86400", "999999999"])
async def test_a_longer_wait_is_another_models_chance(seconds: str, tmp_path: Path) -> None:
    """Beyond twenty seconds nobody waits: the next model draws; a named one has none, and the wait is told."""
    limited = says(429, headers={"retry-after": seconds})
    async with stage(tmp_path, Vendors({OPENAI: [limited], GOOGLE: [draws]})) as scene:
        ended, named = await scene.run(job()), await scene.run(job(model=FLARE))
    assert [attempt.outcome for attempt in ended.attempts] == ["rate_limited", "ok"]
    assert isinstance(named.failure, RateLimitedError)
    assert named.failure.headers == {"retry-after": seconds}
    assert scene.time.slept == []


async def test_three_calls_and_no_more(tmp_path: Path) -> None:
    """A model that goes on failing gets three calls for one request; its last error is the answer."""
    vendors = Vendors({OPENAI: [says(429), says(500)]})
    async with stage(tmp_path, vendors) as scene:
        ended = await scene.run(job(model=FLARE))
    assert [attempt.outcome for attempt in ended.attempts] == ["rate_limited", "upstream_error", "upstream_error"]
    assert isinstance(ended.failure, UpstreamError)
    assert len(vendors.called) == 3


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (FaultRule(effect="content_block"), ContentPolicyError),
        (FaultRule(status=400), ProviderInvalidRequestError),
    ],
)
async def test_a_verdict_on_the_prompt_is_final(rule: FaultRule, kind: type[Exception], tmp_path: Path) -> None:
    """A block or a refused parameter is asked of nobody twice, and says nothing of the model's health."""
    sandbox = sandbox_with(rule)
    async with stage(tmp_path, sandbox) as scene:
        ended = [await scene.run(job()) for _ in range(20)]
    assert {type(each.failure) for each in ended} == {kind}
    assert sandbox.ledger.totals["calls"] == 20
    state = scene.vitals.breakers.states()["dalle-3-std"]
    assert (state.state, state.verdicts) == ("closed", 0)


async def test_an_empty_success_is_asked_again(tmp_path: Path) -> None:
    """Nothing was drawn: the same model may do better; its bill is not known, and told as such."""
    sandbox = sandbox_with(FaultRule(model="dall-e-3", first=1, effect="empty_200"))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job())
    assert outcomes(ended) == [("dall-e-3", "empty_reply"), ("dall-e-3", "ok")]
    assert [attempt.billed for attempt in ended.attempts] == ["unknown", "yes"]


@pytest.mark.parametrize("status", [429, 503])
async def test_when_everything_fails_hardly_any_call_is_extra(status: int, tmp_path: Path) -> None:
    """300 requests to a route of three models that all refuse: at most a fifth more calls than requests."""
    sandbox = sandbox_with(FaultRule(status=status))
    async with stage(tmp_path, sandbox) as scene:
        ended = [await scene.run(job()) for _ in range(300)]
    assert all(each.failure is not None for each in ended)
    assert 0 < sandbox.ledger.totals["calls"] <= 1.2 * 300


async def test_a_model_that_refuses_everybody_does_not_stop_the_one_that_draws(tmp_path: Path) -> None:
    """Rate limits open no breaker and cost each request a call; the next model goes on answering all of them."""
    vendors = Vendors({OPENAI: [says(429)], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        ended = [await scene.run(job()) for _ in range(100)]
    assert [each.failure for each in ended] == [None] * 100
    # Fifteen more calls are free, then the first model is asked once a request.
    assert vendors.called.count(OPENAI) == 115


async def test_what_fails_now_and_then_is_always_answered(tmp_path: Path) -> None:
    """Every third call fails: answers earn the retries, for as long as it goes on."""
    flaky = [answer for _ in range(60) for answer in (says(503), draws, draws)]
    async with stage(tmp_path, Vendors({OPENAI: flaky})) as scene:
        ended = [await scene.run(job(model=FLARE)) for _ in range(100)]
    assert [outcomes(each)[-1][1] for each in ended] == ["ok"] * 100
    assert sum(len(each.attempts) for each in ended) == 150
