"""`/v1/stats` counts what was asked and how it went; `/v1/feedback` says how it was liked."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from serve.sandbox.faults import FaultRule
from tests.serve.generation.drawing_scene import sandbox_with
from tests.serve.studio.conftest import Gateway, Open

FLARE = "gpt-image-2.5-flare"


async def figures(gateway: Gateway, **query: Any) -> dict[str, Any]:
    response = await gateway.client.get("/v1/stats", params=query)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def say(gateway: Gateway, **opinion: object) -> httpx.Response:
    return await gateway.client.post("/v1/feedback", json=opinion)


async def test_traffic_is_counted_by_model_and_intent(open_gateway: Open) -> None:
    """Requests, calls, errors by cause, latency and spend: what the answers said, added up."""
    sandbox = sandbox_with(FaultRule(model=FLARE, first=1, status=503), FaultRule(model="V_2A", effect="cut_after"))
    async with open_gateway(sandbox) as gateway:
        drawn = await gateway.ask(model=FLARE)
        preview = await gateway.ask(model=None, intent="preview", n=2)
        lost = await gateway.ask(model=None, intent="text_heavy")
        stats = await figures(gateway)
    told = [response.json()["routing"] for response in (drawn, preview, lost)]
    rows = {(row["model"], row["intent"]): row for row in stats["models"]}
    flare, fast, v2a = rows[FLARE, None], rows["imagen-4-fast", "preview"], rows["ideogram-v2a", "text_heavy"]
    assert (flare["requests"], flare["attempts"], flare["errors"]) == (1, 2, {"upstream_error": 1})
    assert (fast["images"], fast["settled_usd"]) == (2, told[1]["cost_usd"])
    assert (v2a["errors"], v2a["possible_usd"], v2a["ms"]) == ({"upstream_timeout": 1}, told[2]["cost_usd"], None)
    totals = stats["totals"]
    assert (totals["requests"], totals["done"], totals["failed"]) == (3, 2, 1)
    assert totals["errors"] == {"upstream_timeout": 1}
    assert totals["settled_usd"] + totals["possible_usd"] == pytest.approx(sum(each["cost_usd"] for each in told))
    assert stats["preview"] == {"target_ms": 3000, "requests": 1, "in_time": 1, "share": 1.0}


async def test_the_share_of_previews_in_time(open_gateway: Open) -> None:
    """A preview that took longer than three seconds was not in time."""
    async with open_gateway(shut=True) as gateway:
        for seconds in (1, 4):
            gateway.gate.opened.clear()
            asked = asyncio.create_task(gateway.ask(model=None, intent="preview"))
            await gateway.run_into(asked)
            gateway.time.at += seconds
            gateway.gate.opened.set()
            await asked
        assert (await figures(gateway))["preview"] == {"target_ms": 3000, "requests": 2, "in_time": 1, "share": 0.5}


async def test_only_the_last_hours_are_counted_when_asked_so(open_gateway: Open) -> None:
    """`hours` leaves older requests out; a figure that is none is refused."""
    async with open_gateway() as gateway:
        await gateway.ask()
        gateway.time.at += 7200
        await gateway.ask()
        assert (await figures(gateway))["totals"]["requests"] == 2
        recent = await figures(gateway, hours=1.5)
        assert (recent["totals"]["requests"], recent["since"]) == (1, gateway.time.at - 5400)
        for wrong in ("0", "-1", "nan", "inf", "soon"):
            assert (await gateway.client.get("/v1/stats", params={"hours": wrong})).status_code == 400


async def test_breakers_and_queues_can_be_seen(open_gateway: Open) -> None:
    """Which model rests and until when, and how many pictures are in flight and waiting, by provider."""
    sandbox = sandbox_with(FaultRule(model=FLARE, status=503))
    async with open_gateway(sandbox, shut=True, attempts=1) as gateway:
        assert (await figures(gateway))["breakers"] == {}
        gateway.gate.opened.set()
        for _ in range(5):
            await gateway.ask(model=FLARE)
        gateway.time.at += 10
        breaker = (await figures(gateway))["breakers"][FLARE]
        assert (breaker["state"], breaker["failures"], breaker["opened_for"]) == ("open", 5, 10)
        assert breaker["probe_in"] == 20
        gateway.time.at += 20
        assert (await figures(gateway))["breakers"][FLARE]["state"] == "half_open"
        gateway.gate.opened.clear()
        asked = [asyncio.create_task(gateway.ask(model="ideogram-v2a", n=n)) for n in (6, 6, 8)]
        await gateway.gate.holds(6)
        lane = await _lane(gateway, queued=2)
        assert (lane["limit"], lane["in_use"]) == (10, 6)
        gateway.gate.opened.set()
        await asyncio.gather(*asked)


async def test_the_ledger_says_which_calls_may_be_billed(open_gateway: Open) -> None:
    """Every call, the newest first, with its request, its end and its bill, and no prompt; by hours and limit."""
    sandbox = sandbox_with(FaultRule(model=FLARE, effect="cut_after"))
    async with open_gateway(sandbox) as gateway:
        drawn = await gateway.ask(prompt="a secret fox")
        gateway.time.at += 7200
        lost = await gateway.ask(model=FLARE)
        told = await gateway.client.get("/v1/ledger")
        last, recent = [await gateway.client.get("/v1/ledger", params=each) for each in ({"limit": 1}, {"hours": 1})]
        refused = [
            (await gateway.client.get("/v1/ledger", params=each)).status_code
            for each in ({"limit": 0}, {"hours": 0}, {"limit": "all"})
        ]
    assert (told.status_code, told.json()["object"], refused) == (200, "list", [400, 400, 400])
    rows = told.json()["data"]
    names = ("request_id", "model", "vendor_model", "outcome", "billed", "cost_usd", "sent")
    for row, answer, outcome, billed in zip(
        rows, (lost, drawn), ("upstream_timeout", "ok"), ("unknown", "yes"), strict=True
    ):
        attempt = answer.json()["routing"]["attempts"][0]
        sent = gateway.time.at - (7200 if answer is drawn else 0)
        assert [row[name] for name in names] == [
            answer.json()["routing"]["request_id"], attempt["model"], attempt["vendor_model"], outcome, billed,
            attempt["cost_usd"], sent,
        ]  # fmt: skip
    assert last.json()["data"] == recent.json()["data"] == rows[:1]
    assert "secret" not in told.text


async def _lane(gateway: Gateway, queued: int) -> dict[str, Any]:
    for _ in range(500):
        lane: dict[str, Any] = (await figures(gateway))["lanes"]["ideogram"]
        if lane["queued"] == queued:
            return lane
    raise AssertionError("not as many are waiting")


async def test_opinions_count_where_the_picture_was_drawn(open_gateway: Open) -> None:
    """A thumb on a picture, the right intent of an answer: in the figures of their model and intent."""
    async with open_gateway() as gateway:
        liked, not_liked = [(await gateway.ask(model=None, intent="preview")).json() for _ in range(2)]
        assert (await say(gateway, image_id=liked["data"][0]["id"], thumb="up")).status_code == 204
        wrong = await say(
            gateway, request_id=not_liked["routing"]["request_id"], thumb="down", right_intent="text_heavy"
        )
        assert (wrong.status_code, wrong.content) == (204, b"")
        [row] = (await figures(gateway))["models"]
        assert (row["thumbs_up"], row["thumbs_down"], row["corrected"]) == (1, 1, 1)
        # Said again, it replaces what was said.
        await say(gateway, image_id=liked["data"][0]["id"], thumb="down", comment="on second thoughts")
        [row] = (await figures(gateway))["models"]
        assert (row["thumbs_up"], row["thumbs_down"]) == (0, 2)


@pytest.mark.parametrize(
    ("opinion", "status", "param"),
    [
        ({"thumb": "up"}, 400, "image_id"),
        ({"image_id": "x", "request_id": "y", "thumb": "up"}, 400, "image_id"),
        ({"image_id": "x"}, 400, "thumb"),
        ({"image_id": "x", "thumb": "sideways"}, 400, "thumb"),
        ({"image_id": "x", "right_intent": "poetry"}, 400, "right_intent"),
        ({"image_id": "x", "comment": "a" * 2001}, 400, "comment"),
        ({"image_id": "x", "thumb": "up", "stars": 5}, 400, "stars"),
        ({"image_id": "0" * 32, "thumb": "up"}, 404, "id"),
        ({"request_id": "req_" + "0" * 32, "thumb": "up"}, 404, "id"),
    ],
)
async def test_an_opinion_on_nothing_is_refused(
    opinion: dict[str, Any], status: int, param: str, open_gateway: Open
) -> None:
    """Exactly one thing that exists, and something to say of it."""
    async with open_gateway() as gateway:
        response = await say(gateway, **opinion)
    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize("spelling", ["URGENT_PREVIEW", "preview"])
async def test_the_right_intent_may_be_spelt_as_the_story_does(spelling: str, open_gateway: Open) -> None:
    """As in `intent` of a request."""
    async with open_gateway() as gateway:
        drawn = (await gateway.ask(model=None, intent="text_heavy")).json()
        answer = await say(gateway, request_id=drawn["routing"]["request_id"], right_intent=spelling)
        [row] = (await figures(gateway))["models"]
    assert (answer.status_code, row["corrected"]) == (204, 1)
