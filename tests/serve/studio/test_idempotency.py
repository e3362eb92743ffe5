"""One key, one bill, one answer: at once, later, after a restart, and whatever went wrong the first time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from serve.sandbox.faults import FaultRule
from serve.studio import KEY_SECONDS
from tests.serve.generation.drawing_scene import sandbox_with
from tests.serve.studio.conftest import Open

FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/generate", {"response_format": "url"}),
    ("/v1/generate", {"response_format": "b64_json", "n": 2}),
    ("/v1/images/generations", {}),
    ("/v1/images/generations", {"response_format": "url"}),
]
# Of an answer, all but what belongs to this very exchange.
OWN = ("x-request-id", "date")


def told(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in response.headers.items() if name not in OWN}
    return response.status_code, response.content, headers


@pytest.mark.parametrize(("path", "fields"), FORMATS[:3])
async def test_fifty_at_once_are_one_call(path: str, fields: dict[str, Any], open_gateway: Open) -> None:
    """All of them get the first one's answer, byte by byte; the vendor bills once."""
    async with open_gateway(shut=True) as gateway:
        asked = [asyncio.create_task(gateway.ask("order-1", path, **fields)) for _ in range(50)]
        await gateway.run_into(*asked)
        gateway.gate.opened.set()
        answers = await asyncio.gather(*asked)
    assert answers[0].status_code == 200
    assert {told(answer)[:2] for answer in answers} == {told(answers[0])[:2]}
    assert gateway.sandbox.ledger.totals["calls"] == 1


@pytest.mark.parametrize(("path", "fields"), FORMATS)
async def test_an_answer_outlives_the_process(path: str, fields: dict[str, Any], open_gateway: Open) -> None:
    """A new process on the same folder gives the same answer, in the format it was asked for, and calls nobody."""
    async with open_gateway() as gateway:
        first = await gateway.ask("order-1", path, **fields)
    async with open_gateway() as later:
        again = await later.ask("order-1", path, **fields)
    assert first.status_code == 200
    assert told(again) == told(first)
    assert (gateway.bills, later.sandbox.ledger.totals["calls"]) == (1, 0)


async def test_another_body_is_refused_while_the_first_is_drawn_and_after(open_gateway: Open) -> None:
    """422, nothing drawn for it, and the first one's answer stays what it is."""
    async with open_gateway(shut=True) as gateway:
        first = asyncio.create_task(gateway.ask("order-1"))
        await gateway.run_into(first)
        early = await gateway.ask("order-1", prompt="a blue fox")
        gateway.gate.opened.set()
        await first
        late = await gateway.ask("order-1", prompt="a blue fox")
    for refused in (early, late):
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "idempotency_mismatch")
    assert gateway.sandbox.ledger.totals["calls"] == 1


async def test_a_wrong_body_does_not_stand_in_the_right_ones_way(open_gateway: Open) -> None:
    """Both come at the same moment, the wrong one first: the key stays whose it was."""
    async with open_gateway() as gateway:
        first = await gateway.ask("order-1")
        wrong, right = await asyncio.gather(gateway.ask("order-1", prompt="a blue fox"), gateway.ask("order-1"))
    assert wrong.status_code == 422
    assert told(right) == told(first)


async def test_a_free_failure_frees_the_key(open_gateway: Open) -> None:
    """Clients repeat a 5xx with the same key: what cost nothing is tried anew, and then kept."""
    async with open_gateway(sandbox_with(FaultRule(first=1, status=503)), attempts=1) as gateway:
        failed, drawn, again = [await gateway.ask("order-1") for _ in range(3)]
    assert (failed.status_code, drawn.status_code) == (502, 200)
    assert "x-should-retry" not in failed.headers
    assert told(again) == told(drawn)
    assert gateway.sandbox.ledger.totals["calls"] == 2


@pytest.mark.parametrize("effect", ["cut_after", "empty_200"])
async def test_a_failure_that_may_be_billed_is_repeated_as_it_was(effect: str, open_gateway: Open) -> None:
    """Also after a restart: the same error, no advice to try again, and not one call more."""
    rule = FaultRule(provider="openai", first=1, effect=effect)  # type: ignore[arg-type]
    model = "gpt-image-2.5-flare"
    async with open_gateway(sandbox_with(rule), attempts=1) as gateway:
        failed, again = [await gateway.ask("order-1", model=model) for _ in range(2)]
    async with open_gateway(gateway.sandbox) as later:
        after = await later.ask("order-1", model=model)
    assert failed.status_code == (504 if effect == "cut_after" else 502)
    assert failed.headers["x-should-retry"] == "false"
    assert told(again) == told(after) == told(failed)
    assert gateway.sandbox.ledger.totals["calls"] == 1


async def test_a_key_is_forgotten_after_a_day(open_gateway: Open) -> None:
    """Then it stands for a new request, whatever its body."""
    async with open_gateway() as gateway:
        first = await gateway.ask("order-1")
        gateway.time.at += KEY_SECONDS - 1
        same = await gateway.ask("order-1")
        gateway.time.at += 2
        anew = await gateway.ask("order-1", prompt="a blue fox")
    assert told(same) == told(first)
    assert anew.status_code == 200
    assert gateway.bills == 2


async def test_without_a_key_every_request_is_its_own(open_gateway: Open) -> None:
    """Equal bodies are drawn as often as they are sent."""
    async with open_gateway() as gateway:
        one, other = [await gateway.ask() for _ in range(2)]
    assert one.json()["data"][0]["id"] != other.json()["data"][0]["id"]
    assert gateway.bills == 2
