"""Black Forest Labs' stand-in: orders, polls, signed links, and what it refuses."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]
Connect = Callable[[Sandbox], httpx.AsyncClient]
KEY = {"x-key": "any"}


async def ended(client: httpx.AsyncClient, order: httpx.Response) -> dict[str, Any]:
    """The last answer to an order's polls."""
    body = order.json()
    while (state := (await client.get(body["polling_url"], headers=KEY)).json())["status"] == "Pending":
        assert state == {"id": body["id"], "status": "Pending", "result": None}
    assert state["id"] == body["id"]
    return dict(state)


@pytest.mark.parametrize(
    ("fields", "kind", "size"),
    [
        ({}, "JPEG", (1024, 1024)),
        ({"width": 1456, "height": 624, "output_format": "png", "seed": 7}, "PNG", (1456, 624)),
        ({"width": 256, "height": 2048, "safety_tolerance": 5, "prompt_upsampling": False}, "JPEG", (256, 2048)),
    ],
)
async def test_an_order_is_polled_until_its_link_is_there(
    *, fields: dict[str, object], kind: str, size: tuple[int, int], client: httpx.AsyncClient, send: Send
) -> None:
    """The order gives an address and a cost, the polls a link on that host, the link exactly the asked picture."""
    order = await send(client, "flux", **fields)
    assert order.json()["polling_url"].startswith("http://sandbox.test/bfl/v1/get_result?id=")
    state = await ended(client, order)
    assert (state["status"], state["result"]["seed"]) == ("Ready", fields.get("seed"))
    link = state["result"]["sample"]
    assert link.startswith("http://sandbox.test/bfl/delivery/")
    assert (await ended(client, order))["result"]["sample"] == link
    picture = Image.open(io.BytesIO((await client.get(link)).content))
    picture.load()
    assert (picture.format, picture.size) == (kind, size)


@pytest.mark.parametrize(
    ("fields", "cost"), [({}, 3), ({"width": 1440, "height": 1440}, 4.5), ({"width": 2048, "height": 2048}, 7.5)]
)
async def test_an_order_says_its_cost_in_credits(
    fields: dict[str, int], cost: float, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """A credit is a cent: the first megapixel has its price, and every one that is begun after it."""
    body = (await send(client, "flux", **fields)).json()
    assert body["cost"] == cost
    assert sandbox.ledger.totals["usd"] == pytest.approx(cost / 100)


async def test_polls_are_no_calls(client: httpx.AsyncClient, send: Send, sandbox: Sandbox) -> None:
    """The ledger lists the order alone, and bills it once, however often it is asked for."""
    order = await send(client, "flux")
    for _ in range(3):
        await ended(client, order)
    assert sandbox.ledger.totals == {"calls": 1, "billed_calls": 1, "billed_images": 1, "usd": 0.03}


async def test_a_link_is_good_for_ten_minutes(connect: Connect, send: Send) -> None:
    """A forged and an expired link are forbidden."""
    now = [1_800_000_000.0]
    client = connect(create_sandbox(clock=lambda: now[0]))
    link = (await ended(client, await send(client, "flux")))["result"]["sample"]
    assert (await client.get(link.replace("sig=", "sig=0"))).status_code == 403
    now[0] += 599
    assert (await client.get(link)).status_code == 200
    now[0] += 1
    assert (await client.get(link)).status_code == 403


async def test_a_blocked_prompt_is_taken_on_and_refused_later(
    client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """The order is a success, its polls say that the request was moderated, and nothing is billed."""
    order = await send(client, "flux", prompt="a sandbox-blocked scene")
    assert order.status_code == 200
    assert await ended(client, order) == {"id": order.json()["id"], "status": "Request Moderated", "result": None}
    assert sandbox.ledger.totals["usd"] == 0


async def test_an_empty_success_is_ready_without_a_sample(connect: Connect, send: Send) -> None:
    """Done, and no link."""
    client = connect(create_sandbox(FaultPlan((FaultRule(effect="empty_200"),))))
    state = await ended(client, await send(client, "flux"))
    assert (state["status"], state["result"]["sample"]) == ("Ready", None)


async def test_an_unknown_order_is_said_to_be_one(client: httpx.AsyncClient) -> None:
    """A success whose status says that there is no such task, with or without an id."""
    for query in ("?id=none", ""):
        answer = await client.get(f"/bfl/v1/get_result{query}", headers=KEY)
        assert (answer.status_code, answer.json()["status"]) == (200, "Task not found")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"width": 1000}, "width"),
        ({"height": 240}, "height"),
        ({"width": 2064}, "width"),
        ({"width": 2048, "height": 2064}, "height"),
        ({"width": "1024"}, "width"),
        ({"output_format": "webp"}, "output_format"),
        ({"safety_tolerance": 6}, "safety_tolerance"),
        ({"steps": 20}, "steps"),
        ({"negative_prompt": "blur"}, "negative_prompt"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio"),
        ({"n": 2}, "n"),
        ({"webhook_url": "https://hook.test/"}, "webhook_url"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(
    fields: dict[str, object], named: str, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """422 with the path of the field, and nothing is billed."""
    answer = await send(client, "flux", **fields)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", named]
    assert sandbox.ledger.totals["usd"] == 0


async def test_flex_has_steps_and_guidance(client: httpx.AsyncClient, call: CallOf) -> None:
    """What the others refuse."""
    _, headers, body = call("flux")
    answer = await client.post("/bfl/v1/flux-2-flex", headers=headers, json=body | {"steps": 20, "guidance": 4.5})
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"x-key": ""}, {"x-key": "invalid"}, {"authorization": "Bearer any"}])
async def test_a_missing_or_wrong_key_is_refused(
    headers: dict[str, str], client: httpx.AsyncClient, call: CallOf, send: Send
) -> None:
    """403 for orders and for polls: the key belongs into `x-key`."""
    path, _, body = call("flux")
    polling = (await send(client, "flux")).json()["polling_url"]
    answers = [await client.post(path, headers=headers, json=body), await client.get(polling, headers=headers)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, {"detail": "Not authenticated"})] * 2


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient, call: CallOf) -> None:
    """The model is in the path, and an unknown path is all that the vendor sees."""
    _, headers, body = call("flux")
    answer = await client.post("/bfl/v1/flux-9", headers=headers, json=body)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
