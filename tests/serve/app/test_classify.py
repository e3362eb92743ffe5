"""`POST /v1/classify`: one prompt or many, and never on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from classifier import IntentClassifier
from serve.catalog import Routes, load_catalog
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_one_prompt_is_a_list_of_one(serving: Serving, settings: Settings) -> None:
    """`{"prompt"}` gives the intent, its probability, all probabilities and the bundle's version."""
    async with serving(settings) as client:
        body = (await client.post("/v1/classify", json={"prompt": 'a sign that says "OPEN"'})).json()
    assert (body["object"], body["model_version"]) == ("list", "test")
    (decision,) = body["data"]
    assert set(decision) == {"intent", "confidence", "probabilities", "abstained", "ood"}
    assert (decision["intent"], decision["abstained"]) == ("text_heavy", False)
    assert decision["confidence"] == decision["probabilities"]["text_heavy"]
    assert sum(decision["probabilities"].values()) == pytest.approx(1.0)


async def test_many_prompts_keep_their_order(serving: Serving, settings: Settings) -> None:
    """`{"prompts"}` gives one decision each, in order; an empty list gives none."""
    prompts = ["a quick draft", '"HELLO"', "two cats"]
    async with serving(settings) as client:
        many = (await client.post("/v1/classify", json={"prompts": prompts})).json()
        none = (await client.post("/v1/classify", json={"prompts": []})).json()
    assert [decision["intent"] for decision in many["data"]] == ["preview", "text_heavy", "complex_logic"]
    assert none["data"] == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "a", "prompts": ["b"]}, "prompt"),
        ({"prompt": "   "}, "prompt"),
        ({"prompt": "abcdef"}, "prompt"),
        ({"prompts": ["a", ""]}, "prompts.1"),
        ({"prompts": ["a", 7]}, "prompts.1"),
        ({"prompts": ["a"] * 4}, "prompts"),
        ({"prompts": "a"}, "prompts"),
        ({"prompt": "a", "text": "b"}, "text"),
    ],
)
async def test_what_cannot_be_classified_is_refused(
    body: object, param: str, serving: Serving, settings: Settings
) -> None:
    """Neither or both fields, blanks, wrong types and limits are a 400 that names the field."""
    tight = settings.model_copy(update={"max_prompt_chars": 5, "max_batch": 3})
    async with serving(tight) as client:
        response = await client.post("/v1/classify", json=body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_routes_may_override_the_threshold(serving: Serving, settings: Settings) -> None:
    """`abstain_below` in the routes goes before the classifier's own threshold, here and when generating."""
    catalog = load_catalog()
    strict = catalog.routes.model_dump() | {"abstain_below": 1.0}
    doubtful = catalog.model_copy(update={"routes": Routes.model_validate(strict)})
    async with serving(settings, catalog=doubtful) as client:
        body = (await client.post("/v1/classify", json={"prompt": "two cats"})).json()
        routing = (await client.post("/v1/generate", json={"prompt": "two cats"})).json()["routing"]
    assert body["data"][0]["abstained"] is routing["abstained"] is True


async def test_the_loop_answers_while_a_prompt_is_being_encoded(
    serving: Serving, settings: Settings, make_classifier: Callable[..., IntentClassifier]
) -> None:
    """A slow encoder holds up its own request only: /healthz is answered while it is still encoding."""
    encoding, go_on = threading.Event(), threading.Event()

    def encode_slowly() -> None:
        encoding.set()
        go_on.wait(timeout=30)

    async with serving(settings, classifier=make_classifier(encode_slowly)) as client:
        slow = asyncio.create_task(client.post("/v1/classify", json={"prompt": "a"}))
        assert await asyncio.to_thread(encoding.wait, 30)
        health = await client.get("/healthz")
        assert (health.status_code, slow.done()) == (200, False)
        go_on.set()
        assert (await slow).status_code == 200


async def test_no_more_encode_at_once_than_the_settings_allow(
    serving: Serving, settings: Settings, make_classifier: Callable[..., IntentClassifier]
) -> None:
    """With two threads the third prompt waits for one of the first two."""
    inside, go_on = threading.Semaphore(0), threading.Event()
    busy, busiest, counting = [0], [0], threading.Lock()

    def encode_slowly() -> None:
        with counting:
            busy[0] += 1
            busiest[0] = max(busiest[0], busy[0])
        inside.release()
        go_on.wait(timeout=30)
        with counting:
            busy[0] -= 1

    async with serving(settings, classifier=make_classifier(encode_slowly)) as client:
        posts = [asyncio.create_task(client.post("/v1/classify", json={"prompt": "a"})) for _ in range(5)]
        for _ in range(settings.classify_threads):
            assert await asyncio.to_thread(inside.acquire, timeout=30)
        await client.get("/healthz")
        go_on.set()
        assert [(await post).status_code for post in posts] == [200] * 5
    assert busiest[0] == settings.classify_threads


async def test_a_prompt_is_read_once(
    serving: Serving, settings: Settings, make_classifier: Callable[..., IntentClassifier]
) -> None:
    """What was classified of late is known, in the order in which it is asked; the figures say how often."""
    read: list[None] = []
    async with serving(settings, classifier=make_classifier(lambda: read.append(None))) as client:
        first = (await client.post("/v1/classify", json={"prompts": ["a", "b", "a"]})).json()
        encoded = len(read)
        again = (await client.post("/v1/classify", json={"prompts": ["b", "a", "b"]})).json()
        stats = (await client.get("/v1/stats")).json()
    assert encoded == len(read) > 0
    assert again["data"] == [first["data"][1], first["data"][0], first["data"][1]]
    assert stats["predictions"] == {"asked": 6, "hits": 3, "held": 2}


async def test_without_a_champion_only_named_models_draw(serving: Serving, settings: Settings) -> None:
    """No classifier: classifying and routing answer 503 with the way out, a named model still draws."""
    async with serving(settings, without_classifier=True) as client:
        classify = await client.post("/v1/classify", json={"prompt": "a"})
        generate = await client.post("/v1/generate", json={"prompt": "a"})
        named = await client.post("/v1/generate", json={"prompt": "a", "model": "ideogram-v2"})
    for refused in (classify, generate):
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (503, "not_ready")
        assert "prompt-intent train" in error["message"]
    assert named.status_code == 200


async def test_a_bundle_that_cannot_be_had_is_named(serving: Serving, tmp_path: Path) -> None:
    """PROMPT_INTENT_MODEL goes before the champion; a folder that is not there is said by name."""
    elsewhere = Settings(home=tmp_path, model=str(tmp_path / "no-such-bundle"))
    async with serving(elsewhere, without_classifier=True) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert any("no-such-bundle" in warning for warning in ready.json()["warnings"])


async def test_an_intent_without_a_route_keeps_the_service_unready(
    serving: Serving, settings: Settings, make_classifier: Callable[..., IntentClassifier]
) -> None:
    """A classifier that knows an intent the routes lack is not used, and /readyz names the missing row."""
    catalog = load_catalog()
    routes = catalog.routes.model_dump()
    del routes["intents"]["preview"]
    short = catalog.model_copy(update={"routes": Routes.model_validate(routes)})
    async with serving(settings, catalog=short, classifier=make_classifier()) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert any("intents.preview" in warning for warning in ready.json()["warnings"])
