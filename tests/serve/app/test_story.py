"""The story, against the real sandbox: prompts choose models, models draw pictures, the answer explains."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from PIL import Image

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

BANNER = "banner: SALE 50% OFF, bold orange letters"
MOCKUP = "quick mockup of a sneaker on a podium"
CAT = "a cybernetic cat eating a galaxy while sitting on a binary tree"
ROUTING_KEYS = {
    "request_id", "intent", "confidence", "probabilities", "abstained", "model", "vendor_model", "provider", "reason",
    "candidates", "attempts", "cost_usd", "classifier_version", "sandbox", "warnings",
}  # fmt: skip
ATTEMPT_KEYS = {"model", "vendor_model", "outcome", "status", "ms", "cost_usd", "billed"}


async def generate(client: httpx.AsyncClient, prompt: str, **wishes: object) -> dict[str, Any]:
    response = await client.post("/v1/generate", json={"prompt": prompt, **wishes})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def opened(client: httpx.AsyncClient, url: str) -> Image.Image:
    response = await client.get(url)
    assert response.status_code == 200
    picture = Image.open(io.BytesIO(response.content))
    picture.load()
    return picture


@pytest.mark.parametrize(
    ("prompt", "intent", "model"),
    [
        (BANNER, "text_heavy", "ideogram-v2a"),
        (MOCKUP, "preview", "imagen-4-fast"),
        (CAT, "complex_logic", "dalle-3-std"),
    ],
)
async def test_a_prompt_chooses_its_model(
    prompt: str, intent: str, model: str, serving: Serving, settings: Settings
) -> None:
    """Each of the story's prompts is drawn by its own model, as a real PNG behind an absolute URL."""
    async with serving(settings) as client:
        body = await generate(client, prompt)
        routing = body["routing"]
        assert (routing["intent"], routing["model"], routing["sandbox"]) == (intent, model, True)
        assert body["data"][0]["url"].startswith("http://localhost:8000/v1/images/")
        assert (await opened(client, body["data"][0]["url"])).format == "PNG"


@pytest.mark.parametrize("model", ["imagen-4-fast", "imagen-4", "ideogram-v2", "ideogram-v2a", "dalle-3-std"])
async def test_a_named_model_draws_the_ratio_it_was_asked_for(model: str, serving: Serving, settings: Settings) -> None:
    """All five names of the benchmark work by hand, unclassified, and draw wider than high at 16:9."""
    async with serving(settings) as client:
        body = await generate(client, CAT, model=model, aspect_ratio="16:9")
        assert (body["routing"]["model"], body["routing"]["intent"]) == (model, None)
        width, height = (await opened(client, body["data"][0]["url"])).size
        assert width / height == pytest.approx(16 / 9, rel=0.04)


async def test_the_answer_explains_itself(serving: Serving, settings: Settings) -> None:
    """The decision, the candidates, the attempt and its cost are all in `routing`; the model is in a header too."""
    async with serving(settings) as client:
        response = await client.post("/v1/generate", json={"prompt": BANNER})
    routing = response.json()["routing"]
    assert set(routing) == ROUTING_KEYS
    assert response.headers["x-prompt-intent-model"] == routing["model"] == "ideogram-v2a"
    assert routing["candidates"][0] == {
        "model": "ideogram-v2a", "taken": True, "reason": "first choice for text_heavy"
    }  # fmt: skip
    (attempt,) = routing["attempts"]
    assert set(attempt) == ATTEMPT_KEYS
    assert (attempt["outcome"], attempt["status"], attempt["billed"]) == ("ok", 200, "yes")
    assert routing["cost_usd"] == attempt["cost_usd"] == 0.04
    assert routing["classifier_version"] == "test"
    assert sum(routing["probabilities"].values()) == pytest.approx(1.0)


async def test_an_unsure_prompt_goes_to_the_default_model(serving: Serving, settings: Settings) -> None:
    """When the classifier abstains the default model draws, and the answer says so."""
    async with serving(settings) as client:
        routing = (await generate(client, "hmm"))["routing"]
    assert routing["abstained"] is True
    assert routing["model"] == "dalle-3-std"


@pytest.mark.parametrize(
    ("spelling", "intent"),
    [("URGENT_PREVIEW", "preview"), ("TEXT_HEAVY", "text_heavy"), ("COMPLEX_LOGIC", "complex_logic"), ("preview",) * 2],
)
async def test_a_named_intent_is_taken_as_it_is(
    spelling: str, intent: str, serving: Serving, settings: Settings
) -> None:
    """A caller's intent, in the story's spelling too, replaces the classifier's."""
    async with serving(settings) as client:
        routing = (await generate(client, "hmm", intent=spelling))["routing"]
    assert (routing["intent"], routing["confidence"], routing["abstained"]) == (intent, None, None)


async def test_quality_exports_a_preview_and_a_style_word_does_not(serving: Serving, settings: Settings) -> None:
    """`quality: high` on a preview goes to the export model; "4k" in the prompt changes nothing."""
    async with serving(settings) as client:
        high = (await generate(client, MOCKUP, quality="high"))["routing"]
        styled = (await generate(client, f"{MOCKUP}, 4k, ultra detailed"))["routing"]
    assert (high["model"], styled["model"]) == ("imagen-4", "imagen-4-fast")


async def test_base64_is_given_when_asked_for(serving: Serving, settings: Settings) -> None:
    """`response_format: b64_json` answers the very bytes that the image's id serves, and no URL."""
    async with serving(settings) as client:
        (entry,) = (await generate(client, CAT, response_format="b64_json"))["data"]
        stored = await client.get(f"/v1/images/{entry['id']}")
    assert "url" not in entry
    assert base64.b64decode(entry["b64_json"]) == stored.content


async def test_several_pictures_come_with_their_own_ids(serving: Serving, settings: Settings) -> None:
    """`n` pictures are drawn, stored and priced."""
    async with serving(settings) as client:
        body = await generate(client, BANNER, n=3, seed=7)
    assert len({entry["id"] for entry in body["data"]}) == 3
    assert body["routing"]["cost_usd"] == pytest.approx(0.12)


async def test_more_pictures_than_a_call_gives_are_several_calls(serving: Serving, settings: Settings) -> None:
    """DALL·E 3 draws one picture a call: three of them are three attempts, one answer and one bill."""
    async with serving(settings) as client:
        body = await generate(client, CAT, model="dalle-3-std", n=3)
    assert len({entry["id"] for entry in body["data"]}) == 3
    assert [attempt["outcome"] for attempt in body["routing"]["attempts"]] == ["ok"] * 3
    assert body["routing"]["cost_usd"] == pytest.approx(0.12)
    assert body["routing"]["warnings"] == []


async def test_the_public_url_is_where_pictures_are_seen(serving: Serving, settings: Settings) -> None:
    """Behind a proxy the operator's URL goes into the answer, not the request's."""
    public = settings.model_copy(update={"public_url": "https://pictures.example/api"})
    async with serving(public) as client:
        (entry,) = (await generate(client, CAT))["data"]
    assert entry["url"] == f"https://pictures.example/api/v1/images/{entry['id']}"


async def test_requests_at_the_same_time_do_not_mix(serving: Serving, settings: Settings) -> None:
    """Nine requests at once each get their own model."""
    prompts = [BANNER, MOCKUP, CAT] * 3
    async with serving(settings) as client:
        bodies = await asyncio.gather(*(generate(client, prompt) for prompt in prompts))
    assert [body["routing"]["model"] for body in bodies] == ["ideogram-v2a", "imagen-4-fast", "dalle-3-std"] * 3
    assert len({body["data"][0]["id"] for body in bodies}) == 9
