from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serve.catalog import load_catalog
from serve.image_request import ReadyModel, WireRequest
from serve.providers import dialect_of

NAMES = sorted(load_catalog().models)
OPENAI = "https://api.openai.com/v1/images/generations"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models"
IDEOGRAM = "https://api.ideogram.ai"
BFL = "https://api.bfl.ai/v1"
RECRAFT = "https://external.api.recraft.ai/v1/images/generations"
PROMPT = 'A sign: "SALE 50 % / très bon" 🎈'


def imagen(n: int, shape: str, **more: object) -> dict[str, Any]:
    """A `:predict` body."""
    parameters = {"sampleCount": n, "aspectRatio": shape, "includeRaiReason": True, **more}
    return {"instances": [{"prompt": PROMPT}], "parameters": parameters}


def gemini(image: dict[str, str], **more: object) -> dict[str, Any]:
    """A `:generateContent` body."""
    config = {"responseModalities": ["IMAGE"], "candidateCount": 1, "imageConfig": image, **more}
    return {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}], "generationConfig": config}


def legacy(model: str, shape: str, n: int, **more: object) -> dict[str, Any]:
    """A `/generate` body."""
    fields = {"prompt": PROMPT, "model": model, "aspect_ratio": shape, "magic_prompt_option": "OFF", "num_images": n}
    return {"image_request": {**fields, **more}}


def ideogram(n: int, **more: object) -> dict[str, Any]:
    """A v2 body."""
    return {"prompt": PROMPT, "magic_prompt": "off", "num_images": n, **more}


def flux(width: int, height: int, **more: object) -> dict[str, Any]:
    """A FLUX.2 body."""
    return {"prompt": PROMPT, "width": width, "height": height, **more}


def openai(model: str, n: int, size: str, **more: object) -> dict[str, Any]:
    """An Images body."""
    return {"model": model, "prompt": PROMPT, "n": n, "size": size, **more}


# What the policy hands to a dialect: n, shape, quality and the droppable rest.
ask = partial(WireRequest, PROMPT)

BODIES: list[tuple[str, WireRequest, str, dict[str, Any]]] = [
    ("imagen-4-fast", ask(1, "1:1"), f"{GOOGLE}/imagen-4.0-fast-generate-001:predict", imagen(1, "1:1")),
    (
        "imagen-4-fast",
        ask(4, "16:9", output_format="jpeg"),
        f"{GOOGLE}/imagen-4.0-fast-generate-001:predict",
        imagen(4, "16:9", outputOptions={"mimeType": "image/jpeg"}),
    ),
    (
        "imagen-4",
        ask(2, "9:16", "2K", output_format="png"),
        f"{GOOGLE}/imagen-4.0-generate-001:predict",
        imagen(2, "9:16", sampleImageSize="2K", outputOptions={"mimeType": "image/png"}),
    ),
    ("ideogram-v2", ask(1, "ASPECT_1_1"), f"{IDEOGRAM}/generate", legacy("V_2", "ASPECT_1_1", 1)),
    (
        "ideogram-v2",
        ask(8, "ASPECT_16_9", seed=0, negative_prompt="fog"),
        f"{IDEOGRAM}/generate",
        legacy("V_2", "ASPECT_16_9", 8, seed=0, negative_prompt="fog"),
    ),
    (
        "ideogram-v2a",
        ask(1, "ASPECT_3_1", seed=2147483647),
        f"{IDEOGRAM}/generate",
        legacy("V_2A", "ASPECT_3_1", 1, seed=2147483647),
    ),
    (
        "dalle-3-std",
        ask(1, "1792x1024", "standard", user="u-1"),
        OPENAI,
        openai("dall-e-3", 1, "1792x1024", quality="standard", user="u-1", response_format="b64_json"),
    ),
    (
        "gemini-3.1-flash-lite-image",
        ask(1, "21:9"),
        f"{GOOGLE}/gemini-3.1-flash-lite-image:generateContent",
        gemini({"aspectRatio": "21:9"}),
    ),
    (
        "gemini-nano-banana-2.1",
        ask(1, "16:9", "2K", seed=7),
        f"{GOOGLE}/gemini-nano-banana-2.1:generateContent",
        gemini({"aspectRatio": "16:9", "imageSize": "2K"}, seed=7),
    ),
    (
        "ideogram-2",
        ask(3, "16x9", "turbo", seed=5, negative_prompt="fog"),
        f"{IDEOGRAM}/v2/image/generate/ideogram-2",
        ideogram(3, aspect_ratio="16x9", rendering_speed="turbo", seed=5, negative_prompt="fog"),
    ),
    (
        "ideogram-2a",
        ask(1, "1x1", "default"),
        f"{IDEOGRAM}/v2/image/generate/ideogram-2a",
        ideogram(1, aspect_ratio="1x1", rendering_speed="default"),
    ),
    (
        "ideogram-3",
        ask(8, "16x9", "quality", seed=0, negative_prompt="fog"),
        f"{IDEOGRAM}/v2/image/generate/ideogram-3",
        ideogram(8, aspect_ratio="16x9", rendering_speed="quality", seed=0, negative_prompt="fog"),
    ),
    (
        "ideogram-4",
        ask(2, "1280x720", "turbo", seed=5),
        f"{IDEOGRAM}/v2/image/generate/ideogram-4",
        ideogram(2, resolution="1280x720", rendering_speed="turbo", seed=5),
    ),
    (
        "ideogram-4-5",
        ask(1, "3072x1024", "medium", seed=5),
        f"{IDEOGRAM}/v2/image/generate/ideogram-4-5",
        ideogram(1, size="3072x1024", quality="medium", seed=5),
    ),
    ("flux-2-klein-4b", ask(1, "1024x1024"), f"{BFL}/flux-2-klein-4b", flux(1024, 1024)),
    (
        "flux-2-pro",
        ask(1, "1456x624", seed=0, output_format="png"),
        f"{BFL}/flux-2-pro",
        flux(1456, 624, seed=0, output_format="png"),
    ),
    (
        "recraftv4_1",
        ask(6, "1344x768", seed=7, output_format="webp"),
        RECRAFT,
        openai("recraftv4_1", 6, "1344x768", random_seed=7, image_format="webp", response_format="b64_json"),
    ),
    (
        "recraftv3",
        ask(1, "1820x1024", negative_prompt="fog"),
        RECRAFT,
        openai("recraftv3", 1, "1820x1024", negative_prompt="fog", response_format="b64_json"),
    ),
    (
        "gpt-image-2.6-flare",
        ask(1, "1024x1024", "low"),
        OPENAI,
        openai("gpt-image-2.6-flare", 1, "1024x1024", quality="low"),
    ),
    (
        "gpt-image-2.5-sunburst",
        ask(10, "1280x720", "high", output_format="webp", user="u-1"),
        OPENAI,
        openai("gpt-image-2.5-sunburst", 10, "1280x720", quality="high", output_format="webp", user="u-1"),
    ),
    (
        "gpt-image-2.5-flare",
        ask(1, "1024x1024", "low"),
        OPENAI,
        openai("gpt-image-2.5-flare", 1, "1024x1024", quality="low"),
    ),
]

KEY_HEADERS = {
    "openai": "authorization",
    "google": "x-goog-api-key",
    "ideogram": "api-key",
    "bfl": "x-key",
    "recraft": "authorization",
}


def shape_of(model: ReadyModel) -> str:
    """A shape that the row has."""
    return next(iter(model.row.shapes.values()))


def built(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """The vendor's request for this model."""
    return dialect_of(model.row).build(model, request)


@pytest.mark.parametrize(("name", "request_", "url", "body"), BODIES, ids=lambda v: v if isinstance(v, str) else "")
def test_wire_request_is_exact(
    ready: Callable[[str], ReadyModel], name: str, request_: WireRequest, url: str, body: dict[str, Any]
) -> None:
    """Method, address and JSON body are the vendor's, field for field, and nothing else is sent."""
    sent = built(ready(name), request_)
    assert (sent.method, str(sent.url)) == ("POST", url)
    assert json.loads(sent.content) == body


@pytest.mark.parametrize("name", NAMES)
def test_headers_are_exact(ready: Callable[[str], ReadyModel], key: str, name: str) -> None:
    """Each vendor gets JSON from a named caller and the key in its own header, and no other header."""
    model = ready(name)
    sent = built(model, ask(1, shape_of(model)))
    bearer = "Bearer " if model.row.dialect == "openai_images" else ""
    assert dict(sent.headers) == {
        "host": httpx.URL(model.base_url).host,
        "accept": "application/json",
        "content-type": "application/json",
        "content-length": str(len(sent.content)),
        "user-agent": "prompt-intent",
        KEY_HEADERS[model.row.provider]: f"{bearer}{key}",
    }


@pytest.mark.parametrize("name", NAMES)
def test_key_is_nowhere_but_in_its_header(ready: Callable[[str], ReadyModel], key: str, name: str) -> None:
    """The vendor's key is in no URL and no body, where logs would find it."""
    wire = ask(1, shape_of(ready(name)), "high", seed=1, negative_prompt="fog", output_format="png", user="u")
    sent = built(ready(name), wire)
    assert key not in str(sent.url)
    assert key not in sent.content.decode()
    assert sum(key in value for value in sent.headers.values()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_base_url_may_end_in_a_slash(ready: Callable[[str], ReadyModel], name: str) -> None:
    """An overridden host with a path reaches the same endpoint below it, with or without a closing slash."""
    model = ready(name)
    plain = built(replace(model, base_url="http://127.0.0.1:9/vendor"), ask(1, shape_of(model))).url
    slashed = built(replace(model, base_url="http://127.0.0.1:9/vendor/"), ask(1, shape_of(model))).url
    assert str(slashed) == str(plain)
    assert str(plain).startswith("http://127.0.0.1:9/vendor/")


@settings(database=None, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(prompt=st.text(min_size=1), name=st.sampled_from(NAMES))
def test_prompt_arrives_letter_for_letter(ready: Callable[[str], ReadyModel], prompt: str, name: str) -> None:
    """Any text a caller may write is in the body unchanged."""
    model = ready(name)
    body = json.loads(built(model, WireRequest(prompt=prompt, n=1, shape=shape_of(model))).content)
    assert _prompt_in(body) == prompt


def _prompt_in(body: dict[str, Any]) -> object:
    if "contents" in body:
        return body["contents"][0]["parts"][0]["text"]
    if "instances" in body:
        return body["instances"][0]["prompt"]
    return body.get("image_request", body)["prompt"]
