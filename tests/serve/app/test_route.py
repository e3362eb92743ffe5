"""`POST /v1/route`: the decision that generating would make, without a call, a bill or a trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from serve.catalog import load_catalog
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
JSON = {"content-type": "application/json"}
PREVIEW = "a quick draft of a cat"


class Silent(httpx.AsyncBaseTransport):
    """A network on which nobody may be called."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} was called")


async def route(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """The whole answer to one body."""
    response = await client.post("/v1/route", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def first(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    """The decision on the only prompt."""
    (decision,) = (await route(client, **body))["data"]
    assert isinstance(decision, dict)
    return decision


def sizes(folder: Path) -> dict[Path, int]:
    """Every file under a folder, in bytes."""
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


async def test_one_prompt_has_one_decision(serving: Serving, settings: Settings) -> None:
    """Intent, the model that would draw, its price, and every model considered with its reason."""
    async with serving(settings, transport=Silent()) as client:
        answer = await route(client, prompt=PREVIEW, n=2)
    assert (answer["object"], answer["classifier_version"], answer["sandbox"]) == ("list", "test", True)
    (decision,) = answer["data"]
    assert (decision["intent"], decision["abstained"]) == ("preview", False)
    assert decision["confidence"] == decision["probabilities"]["preview"]
    chosen = decision["model"], decision["vendor_model"], decision["provider"], decision["cost_usd"]
    assert chosen == ("imagen-4-fast", "imagen-4.0-fast-generate-001", "google", 0.04)
    assert [candidate["model"] for candidate in decision["candidates"]][:2] == ["imagen-4-fast", "gpt-image-2.5-flare"]
    assert all(candidate["taken"] and candidate["cost_usd"] > 0 for candidate in decision["candidates"])
    assert decision["candidates"][0]["reason"].startswith("first choice for preview")


async def test_many_prompts_keep_their_order(serving: Serving, settings: Settings) -> None:
    """One decision each, with the same wishes for all; an empty list has none."""
    prompts = [PREVIEW, '"HELLO"', "two cats"]
    async with serving(settings, transport=Silent()) as client:
        many = (await route(client, prompts=prompts, deny=["google"]))["data"]
        none = (await route(client, prompts=[]))["data"]
    assert [decision["intent"] for decision in many] == ["preview", "text_heavy", "complex_logic"]
    assert [decision["model"] for decision in many] == ["gpt-image-2.5-flare", "ideogram-v2a", "dalle-3-std"]
    assert none == []


async def test_the_decision_is_the_one_that_generating_makes(serving: Serving, settings: Settings) -> None:
    """The same body sent to both paths meets the same model, for the same reasons and at the same price."""
    for body in ({"prompt": PREVIEW, "quality": "high"}, {"prompt": "hmm"}, {"prompt": '"A"', "aspect_ratio": "16:9"}):
        async with serving(settings) as client:
            decision = await first(client, **body)
            routing = (await client.post("/v1/generate", json=body)).json()["routing"]
        same = ("intent", "confidence", "abstained", "model", "vendor_model", "provider", "reason", "cost_usd")
        assert [decision[key] for key in same] == [routing[key] for key in same]
        told = [(candidate["model"], candidate["reason"]) for candidate in decision["candidates"]]
        assert told == [(candidate["model"], candidate["reason"]) for candidate in routing["candidates"]]


async def test_wishes_throw_out_and_reorder(serving: Serving, settings: Settings) -> None:
    """A budget throws out what is dearer, with the cause; weights put the cheapest first."""
    async with serving(settings, transport=Silent()) as client:
        frugal = await first(client, prompt=PREVIEW, max_cost=0.01)
        cheap = await first(client, prompt=PREVIEW, optimize={"cost": 1})
        alone = await first(client, prompt=PREVIEW, allow=["ideogram"])
    thrown = {candidate["model"]: candidate for candidate in frugal["candidates"]}["imagen-4-fast"]
    assert frugal["model"] == "gpt-image-2.5-flare"
    assert (thrown["taken"], thrown["cause"], thrown["cost_usd"], thrown["row"]) == (False, "over_budget", None, None)
    assert thrown["reason"].startswith("costs about 0.02 US dollars, over max_cost 0.01")
    prices = [candidate["cost_usd"] for candidate in cheap["candidates"] if candidate["taken"]]
    assert prices == sorted(prices)
    assert cheap["model"] == "gpt-image-2.5-flare"
    assert [candidate["model"] for candidate in alone["candidates"] if candidate["taken"]] == ["ideogram-2a"]


async def test_nobody_left_is_a_decision_too(serving: Serving, settings: Settings) -> None:
    """What would be an error when drawing is an answer here, with all reasons."""
    async with serving(settings, transport=Silent()) as client:
        decision = await first(client, prompt=PREVIEW, max_cost=0)
    assert [decision[key] for key in ("model", "vendor_model", "provider", "cost_usd")] == [None] * 4
    assert {candidate["cause"] for candidate in decision["candidates"]} == {"over_budget"}


async def test_a_named_model_or_intent_needs_no_classifier(serving: Serving, settings: Settings) -> None:
    """Without a champion both are decided, with nothing classified; the rest is 503."""
    async with serving(settings, without_classifier=True, transport=Silent()) as client:
        named = await first(client, prompt=PREVIEW, model="ideogram-v2", optimize={"cost": 1}, output_format="png")
        asked = await first(client, prompt=PREVIEW, intent="text_heavy")
        refused = await client.post("/v1/route", json={"prompt": PREVIEW, "model": "auto"})
    assert (named["model"], named["confidence"], named["abstained"]) == ("ideogram-v2", None, None)
    assert named["warnings"] == [
        "optimize has no effect beside model: the model was named",
        "output_format dropped: ideogram-v2 takes none",
    ]
    assert (asked["model"], asked["intent"], asked["probabilities"]) == ("ideogram-v2a", "text_heavy", None)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")


async def test_a_model_goes_by_its_vendors_name_too(serving: Serving, settings: Settings) -> None:
    """Whoever comes from a vendor's own documentation is understood; the answer has our name for it."""
    async with serving(settings, without_classifier=True, transport=Silent()) as client:
        assert (await first(client, prompt=PREVIEW, model="V_2A"))["model"] == "ideogram-v2a"


async def test_with_real_keys_the_living_successor_is_told(serving: Serving, tmp_path: Path) -> None:
    """`model` is the name on the route, `row` and `vendor_model` who answers for it on the service's day."""
    keyed = Settings(home=tmp_path, openai_api_key=SecretStr("k"))
    body: dict[str, Any] = {"prompt": "two cats", "intent": "complex_logic"}
    async with serving(keyed, transport=Silent()) as client:
        now = await first(client, **body)
    async with serving(keyed, transport=Silent(), today=date(2025, 11, 22)) as client:
        then = await first(client, **body)
    assert (now["model"], now["vendor_model"]) == ("dalle-3-std", "gpt-image-2.5-sunburst")
    assert (then["model"], then["vendor_model"]) == ("dalle-3-std", "dall-e-3")
    assert [candidate["cause"] for candidate in now["candidates"]] == [None, "no_key", "no_key"]


async def test_deciding_leaves_no_trace(serving: Serving, tmp_path: Path) -> None:
    """No vendor is called, and the figures of the traffic stay as they were; what was read is remembered."""
    async with serving(Settings(home=tmp_path, classify_cache=0), transport=Silent()) as client:
        before = (await client.get("/v1/stats")).json()
        files = sizes(tmp_path)
        await route(client, prompts=[PREVIEW] * 20)
        assert sizes(tmp_path) == files
        after = (await client.get("/v1/stats")).json()
        assert after.pop("predictions")["asked"] == before.pop("predictions")["asked"] + 20
        assert after == before


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "a", "prompts": ["b"]}, "prompt"),
        ({"prompt": " "}, "prompt"),
        ({"prompts": ["a", " "]}, "prompts.1"),
        ({"prompts": ["a"] * 4}, "prompts"),
        ({"prompt": "a", "model": "nobody"}, "model"),
        ({"prompt": "a", "intent": "photo"}, "intent"),
        ({"prompt": "a", "n": 11}, "n"),
        ({"prompt": "a", "size": "1024x1024", "aspect_ratio": "16:9"}, "aspect_ratio"),
        ({"prompt": "a", "optimize": {"beauty": 1}}, "optimize.beauty"),
        ({"prompt": "a", "optimize": {"cost": -1}}, "optimize.cost"),
        ({"prompt": "a", "optimize": {"cost": "1"}}, "optimize.cost"),
        ({"prompt": "a", "max_cost": -0.01}, "max_cost"),
        ({"prompt": "a", "deadline_ms": 0}, "deadline_ms"),
        ({"prompt": "a", "deadline_ms": 1.5}, "deadline_ms"),
        ({"prompt": "a", "allow": []}, "allow"),
        ({"prompt": "a", "allow": ["imagen"]}, "allow"),
        ({"prompt": "a", "deny": ["\ud800"]}, "deny.0"),
        ({"prompt": "a", "deny": "openai"}, "deny"),
        ({"prompt": "a", "model": "ideogram-v2", "deny": ["ideogram"]}, "deny"),
        ({"prompt": "a", "model": "ideogram-v2", "max_cost": 0.01}, "max_cost"),
        ({"prompt": "a", "max_price": 1}, "max_price"),
    ],
)
async def test_what_cannot_be_decided_is_refused(
    body: dict[str, Any], param: str, serving: Serving, settings: Settings
) -> None:
    """Contradictions, misspelt wishes and limits are a 400 that names the field."""
    tight = settings.model_copy(update={"max_batch": 3})
    async with serving(tight, transport=Silent()) as client:
        response = await client.post("/v1/route", content=json.dumps(body), headers=JSON)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_a_profile_is_another_set_of_routes(serving: Serving, settings: Settings) -> None:
    """In the profile "live" every name that is tried is the name of the model that is called."""
    async with serving(settings, catalog=load_catalog(profile="live"), transport=Silent()) as client:
        decisions = (await route(client, prompts=[PREVIEW, '"HELLO"', "two cats"]))["data"]
    for decision in decisions:
        assert [candidate["row"] for candidate in decision["candidates"]] == [
            candidate["model"] for candidate in decision["candidates"]
        ]
