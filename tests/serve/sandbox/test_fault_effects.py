"""What an injected fault does to a call in process, and to its bill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule

Send = Callable[..., Awaitable[httpx.Response]]
Connect = Callable[[Sandbox], httpx.AsyncClient]

DIALECTS = ("dalle", "gpt", "imagen", "gemini", "legacy", "v2", "flux", "recraft")
GONE = {
    "dalle": "The model `dall-e-3` does not exist",
    "gpt": "The model `gpt-image-2.5-flare` does not exist",
    "imagen": "models/imagen-4.0-generate-001 is not found for API version v1beta, or is not supported for predict.",
    "gemini": "models/gemini-nano-banana-2.1 is not found for API version v1beta",
    "legacy": "V_2A",
    "v2": "ideogram-2a",
    "flux": "Not Found",
    "recraft": "recraftv3",
}
HALF_AN_HOUR_MS = 1_800_000


def with_rule(rule: FaultRule) -> Sandbox:
    """A sandbox on which one thing goes wrong."""
    return create_sandbox(FaultPlan((rule,)))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_rate_limit_comes_in_the_vendors_words(dialect: str, connect: Connect, send: Send) -> None:
    """429, how long to wait where the vendor says it, and no bill; the call after it succeeds."""
    sandbox = with_rule(FaultRule(first=1, status=429, retry_after=3))
    client = connect(sandbox)
    answer = await send(client, dialect)
    body = answer.json()
    assert answer.status_code == 429
    if dialect in ("dalle", "gpt"):
        assert (body["error"]["type"], body["error"]["code"]) == ("rate_limit_error", "rate_limit_exceeded")
        assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("3", "3000")
    elif dialect in ("imagen", "gemini"):
        assert body["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert body["error"]["details"][0]["retryDelay"] == "3s"
        assert "retry-after" not in answer.headers
    else:
        if dialect in ("legacy", "v2"):
            assert (body["reject_reason"], body["max_inflight_requests"]) == ("inflight_limit", 10)
        assert answer.headers["retry-after"] == "3"
    assert sandbox.ledger.totals["usd"] == 0
    assert (await send(client, dialect)).status_code == 200


@pytest.mark.parametrize(
    ("dialect", "status", "code", "found"),
    [
        ("gpt", 429, "insufficient_quota", "insufficient_quota"),
        ("gpt", 503, None, "server_is_overloaded"),
        ("gpt", 401, None, "invalid_api_key"),
        ("imagen", 503, None, "UNAVAILABLE"),
        ("gemini", 500, None, "INTERNAL"),
        ("gemini", 403, "BILLING_DISABLED", "BILLING_DISABLED"),
        ("legacy", 402, None, "insufficient_funds"),
        ("v2", 402, "daily_limit", "daily_limit"),
        ("v2", 500, None, "error"),
    ],
)
async def test_other_statuses_come_in_the_vendors_words(
    *, dialect: str, status: int, code: str | None, found: str, connect: Connect, send: Send
) -> None:
    """The status is the rule's, the envelope the vendor's, and a code replaces the usual one."""
    answer = await send(connect(with_rule(FaultRule(status=status, code=code))), dialect)
    assert answer.status_code == status
    assert found in answer.text


@pytest.mark.parametrize("dialect", GONE)
async def test_a_retired_id_is_answered_in_the_vendors_words(dialect: str, connect: Connect, send: Send) -> None:
    """404 for an id that was served a moment ago, as for one that never was; nothing is billed."""
    sandbox = with_rule(FaultRule(nth=2, effect="gone"))
    client = connect(sandbox)
    before, answer, after = [await send(client, dialect) for _ in range(3)]
    assert (before.status_code, answer.status_code, after.status_code) == (200, 404, 200)
    assert GONE[dialect] in answer.text
    assert [(call.fault, call.usd > 0) for call in sandbox.ledger.calls] == [
        (None, True),
        ("gone", False),
        (None, True),
    ]


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect != "flux"])
async def test_an_empty_success_has_no_picture_and_no_bill(dialect: str, connect: Connect, send: Send) -> None:
    """200 in the vendor's shape, with an empty list or without an image part."""
    sandbox = with_rule(FaultRule(effect="empty_200"))
    answer = await send(connect(sandbox), dialect)
    body = answer.json()
    assert answer.status_code == 200
    if dialect == "gemini":
        assert body["candidates"][0]["finishReason"] == "NO_IMAGE"
        assert [list(part) for part in body["candidates"][0]["content"]["parts"]] == [["text"]]
    else:
        assert body["predictions" if dialect == "imagen" else "data"] == []
    assert (sandbox.ledger.calls[0].fault, sandbox.ledger.totals["usd"]) == ("empty_200", 0)


@pytest.mark.parametrize(("dialect", "status", "usd"), [("gpt", 400, 0), ("imagen", 200, 0), ("v2", 200, 0.04)])
async def test_an_injected_block_is_the_vendors_own(
    *, dialect: str, status: int, usd: float, connect: Connect, send: Send
) -> None:
    """The same answer and the same bill as for a prompt that the vendor blocks."""
    sandbox = with_rule(FaultRule(effect="content_block"))
    answer = await send(connect(sandbox), dialect)
    assert answer.status_code == status
    assert any(word in answer.text for word in ("moderation_blocked", "raiFilteredReason", '"is_image_safe": false'))
    assert sandbox.ledger.totals["usd"] == usd


@pytest.mark.parametrize(
    ("effect", "status", "usd"), [("cut_before", None, 0), ("cut_after", None, 0.04), ("cut_body", 200, 0.04)]
)
@pytest.mark.parametrize("dialect", ["dalle", "imagen", "legacy", "v2"])
async def test_a_cut_in_process_is_httpxs_own_error(
    *, effect: str, status: int | None, usd: float, dialect: str, connect: Connect, send: Send
) -> None:
    """The client gets the error of a cut connection; drawn pictures are billed, undrawn ones are not."""
    rule = FaultRule(effect=effect, first=1)  # type: ignore[arg-type]
    sandbox = with_rule(rule)
    client = connect(sandbox)
    with pytest.raises(httpx.RemoteProtocolError) as caught:
        await send(client, dialect)
    assert caught.value.request.method == "POST"
    call = sandbox.ledger.calls[0]
    assert (call.fault, call.status, call.usd) == (effect, status, usd)
    assert (await send(client, dialect)).status_code == 200


async def test_who_gives_up_waiting_is_billed(connect: Connect, send: Send) -> None:
    """The wait comes after the drawing, so that a caller's timeout loses a picture that was paid for."""
    sandbox = with_rule(FaultRule(latency_ms=HALF_AN_HOUR_MS))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await send(connect(sandbox), "legacy")
    assert (sandbox.ledger.calls[0].fault, sandbox.ledger.totals["usd"]) == ("latency", 0.04)


async def test_a_short_wait_changes_nothing_else(connect: Connect, send: Send) -> None:
    """After its wait the answer is the usual one."""
    assert (await send(connect(with_rule(FaultRule(latency_ms=5))), "legacy")).status_code == 200


async def test_a_dripping_answer_arrives_whole(connect: Connect, send: Send) -> None:
    """Slow is not broken."""
    plan = FaultPlan((FaultRule(slow_body=4000, effect="empty_200"),))
    answer = await send(connect(create_sandbox(plan)), "gemini")
    assert answer.json()["candidates"][0]["finishReason"] == "NO_IMAGE"


async def test_a_refused_call_does_not_use_up_a_fault(connect: Connect, send: Send) -> None:
    """A rule counts the calls that the vendor would have answered."""
    client = connect(with_rule(FaultRule(first=1, status=500)))
    statuses = [(await send(client, "legacy", **fields)).status_code for fields in ({"n": 1}, {}, {})]
    assert statuses == [400, 500, 200]
