"""`GET /v1/models` and the health paths: what can be asked for today, and what an operator should know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from serve.catalog import load_catalog
from serve.readiness import warn_of_routes
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
KEYS: Any = dict.fromkeys(("openai_api_key", "ideogram_api_key", "gemini_api_key"), SecretStr("k"))


async def _models(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    body = (await client.get("/v1/models")).json()
    assert body["object"] == "list"
    return {entry["id"]: entry for entry in body["data"]}


async def test_every_model_is_listed_after_auto_and_the_intents(serving: Serving, settings: Settings) -> None:
    """The names are those of the catalogue, each with its provider and its dates."""
    async with serving(settings) as client:
        models = await _models(client)
    assert list(models) == ["auto", *load_catalog().routes.intents, *load_catalog().models]
    assert models["dalle-3-std"] == {
        "id": "dalle-3-std",
        "object": "model",
        "created": 0,
        "owned_by": "openai",
        "status": "shutdown",
        "shutdown_date": "2026-05-12",
        "successor": "gpt-image-2.5-sunburst",
        "vendor_model": "dall-e-3",
        "available": True,
        "reason": None,
    }


async def test_the_intents_are_names_of_ours(serving: Serving, settings: Settings) -> None:
    """Owned as "auto" is, with no vendor's id; looked up in every spelling that is drawn."""
    async with serving(settings) as client:
        models = await _models(client)
        asked = [(await client.get(f"/v1/models/{name}")).json() for name in ("preview", "URGENT_PREVIEW")]
    assert asked == [models["preview"]] * 2
    assert models["preview"] == {**models["auto"], "id": "preview"}
    assert (models["auto"]["owned_by"], models["auto"]["available"]) == ("prompt-intent", True)


async def test_an_intent_is_available_with_a_model_of_its_route(serving: Serving, tmp_path: Path) -> None:
    """Where none can be called it says why; "auto" wants one such intent, not any model that can be named."""
    async with serving(Settings(home=tmp_path, recraft_api_key=SecretStr("k"))) as client:
        models = await _models(client)
    assert models["recraftv3"]["available"] is True
    assert (models["auto"]["available"], models["auto"]["reason"]) == (False, "no model can be called")
    assert models["text_heavy"]["available"] is False
    assert "IDEOGRAM_API_KEY" in models["text_heavy"]["reason"]


async def test_auto_needs_a_classifier(serving: Serving, tmp_path: Path) -> None:
    """Its reason is the one with which a request is refused; what needs no classifier goes on."""
    async with serving(Settings(home=tmp_path), without_classifier=True) as client:
        models = await _models(client)
        refused = await client.post("/v1/images/generations", json={"prompt": "a fox", "model": "auto"})
        drawn = await client.post("/v1/images/generations", json={"prompt": "a fox", "model": "preview"})
    assert (models["auto"]["available"], refused.status_code) == (False, 503)
    assert models["auto"]["reason"] == refused.json()["error"]["message"]
    assert (models["preview"]["available"], drawn.status_code) == (True, 200)


async def test_with_real_keys_a_retired_name_shows_who_answers(serving: Serving, tmp_path: Path) -> None:
    """Outside the sandbox `vendor_model` is the successor's id, and a vendor without a key is not available."""
    async with serving(Settings(home=tmp_path, openai_api_key=SecretStr("k"))) as client:
        models = await _models(client)
    assert models["dalle-3-std"]["vendor_model"] == "gpt-image-2.5-sunburst"
    assert (models["dalle-3-std"]["available"], models["auto"]["available"]) == (True, True)
    assert models["imagen-4"]["available"] is False
    assert "GEMINI_API_KEY" in models["imagen-4"]["reason"]


async def test_without_any_key_nothing_is_available(serving: Serving, tmp_path: Path) -> None:
    """Not even "auto"."""
    async with serving(Settings(home=tmp_path, sandbox="off")) as client:
        models = await _models(client)
    assert not any(entry["available"] for entry in models.values())


async def test_health_and_readiness_in_the_sandbox(serving: Serving, settings: Settings) -> None:
    """Alive, ready, with the classifier's version, every provider callable and nothing to warn of."""
    async with serving(settings) as client:
        health, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert ready.status_code == 200
    provider = {"ready": True, "reason": None}
    assert ready.json() == {
        "status": "ready",
        "classifier_version": "test",
        "sandbox": True,
        "providers": dict.fromkeys(load_catalog().providers, provider),
        "warnings": [],
    }


async def test_readiness_warns_of_dead_routes(serving: Serving, tmp_path: Path) -> None:
    """With real keys, every retired model on a route is named with the model that answers for it."""
    async with serving(Settings(home=tmp_path, **KEYS)) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["warnings"] == [
        "dalle-3-std: shut down 2026-05-12, answered by gpt-image-2.5-sunburst",
        "imagen-4-fast: shut down 2026-08-17, answered by gemini-3.1-flash-lite-image",
        "imagen-4: shut down 2026-08-17, answered by gemini-nano-banana-2.1",
    ]


async def test_readiness_warns_of_what_dies_soon(serving: Serving, tmp_path: Path) -> None:
    """A live model whose end is announced is warned of in the 60 days before it, not earlier."""
    catalog = load_catalog()
    ending = catalog.models["ideogram-v2a"].model_copy(update={"shutdown_date": date(2027, 1, 31)})
    catalog = catalog.model_copy(update={"models": {**catalog.models, "ideogram-v2a": ending}})
    seen = {}
    for today in (date(2026, 12, 1), date(2026, 12, 2), date(2027, 1, 31)):
        async with serving(Settings(home=tmp_path, **KEYS), catalog=catalog, today=today) as client:
            lines = (await client.get("/readyz")).json()["warnings"]
        seen[today] = [line for line in lines if line.startswith("ideogram-v2a")]
    assert list(seen.values()) == [
        [],
        ["ideogram-v2a: shuts down 2027-01-31, in 60 days; ideogram-2a answers from then on"],
        ["ideogram-v2a: shut down 2027-01-31, answered by ideogram-2a"],
    ]


def test_a_successor_that_ends_too_is_warned_of() -> None:
    """A dead name is as good as the row that answers for it: its end is told, and whether anybody comes after it."""
    catalog = load_catalog()
    heir = catalog.models["gemini-3.1-flash-lite-image"]
    seen = []
    for successor in ("gemini-nano-banana-2.1", None):
        ending = heir.model_copy(update={"shutdown_date": date(2026, 12, 1), "successor": successor})
        models = {**catalog.models, ending.name: ending}
        lines = warn_of_routes(catalog.model_copy(update={"models": models}), date(2026, 11, 22), frozenset())
        seen += [line for line in lines if line.startswith("imagen-4-fast")]
    start = (
        "imagen-4-fast: shut down 2026-08-17, answered by gemini-3.1-flash-lite-image, which shuts down 2026-12-01, "
    )
    assert seen == [
        f"{start}in 9 days; gemini-nano-banana-2.1 answers from then on",
        f"{start}in 9 days; nothing answers from then on: give its row a successor",
    ]
