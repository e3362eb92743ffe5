"""What the Gemini API refuses, and in which words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from serve.sandbox.app import Sandbox

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]

IMAGEN = [
    ({"seed": 7}, "seed"),
    ({"negativePrompt": "blur"}, "negativePrompt"),
    ({"addWatermark": False}, "addWatermark"),
    ({"enhancePrompt": True}, "enhancePrompt"),
    ({"labels": {}}, "labels"),
    ({"storageUri": "gs://x"}, "storageUri"),
    ({"sampleCount": 0}, "sampleCount"),
    ({"sampleCount": 5}, "sampleCount"),
    ({"aspectRatio": "2:1"}, "aspectRatio"),
    ({"aspectRatio": "16x9"}, "aspectRatio"),
    ({"sampleImageSize": "4K"}, "sampleImageSize"),
    ({"sampleImageSize": "2k"}, "sampleImageSize"),
    ({"imageSize": "512"}, "imageSize"),
    ({"imageSize": "1K", "sampleImageSize": "2K"}, "imageSize"),
    ({"personGeneration": "allow_some"}, "personGeneration"),
    ({"safetySetting": "block_maybe"}, "safetySetting"),
    ({"language": "de"}, "language"),
    ({"outputOptions": {"mimeType": "image/webp"}}, "mimeType"),
    ({"outputOptions": {"compressionQuality": 101}}, "compressionQuality"),
    ({"outputOptions": {"dpi": 300}}, "dpi"),
    ({"outputOptions": "png"}, "outputOptions"),
    ({"guidanceScale": "5"}, "guidanceScale"),
    ({"includeRaiReason": "yes"}, "includeRaiReason"),
    ({"n": 1}, "n"),
]
GEMINI = [
    ({"candidateCount": 2}, "candidateCount"),
    ({"candidateCount": 0}, "candidateCount"),
    ({"seed": "7"}, "seed"),
    ({"seed": 2**31}, "seed"),
    ({"negativePrompt": "blur"}, "negativePrompt"),
    ({"sampleCount": 1}, "sampleCount"),
    ({"responseModalities": ["VIDEO"]}, "response_modalities"),
    ({"responseModalities": ["TEXT"]}, "modalities"),
    ({"imageConfig": {"aspectRatio": "2:1"}}, "aspectRatio"),
    ({"imageConfig": {"imageSize": "2k"}}, "imageSize"),
    ({"imageConfig": {"imageSize": "512"}}, "imageSize"),
    ({"imageConfig": {"personGeneration": "ALLOW_SOME"}}, "personGeneration"),
    ({"imageConfig": {"imageOutputOptions": {"mimeType": "image/png"}}}, "imageOutputOptions"),
    ({"imageConfig": {"prominentPeople": "BLOCK"}}, "prominentPeople"),
    ({"thinkingConfig": {"thinkingLevel": "LOW"}}, "thinkingLevel"),
    ({"thinkingConfig": {"budget": 1}}, "budget"),
]
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("imagen", {"instances": []}),
    ("imagen", {"instances": [{"prompt": "a cat"}, {"prompt": "a dog"}]}),
    ("imagen", {"instances": [{}]}),
    ("imagen", {"instances": [{"prompt": " "}]}),
    ("imagen", {"instances": [{"prompt": "word " * 481}]}),
    ("imagen", {"instances": [{"prompt": "a cat", "image": {}}]}),
    ("imagen", {"instances": ["a cat"]}),
    ("imagen", {"instances": [{"prompt": "a cat"}], "labels": {}}),
    ("imagen", {"prompt": "a cat"}),
    ("gemini", {"contents": []}),
    ("gemini", {"contents": [{"role": "user", "parts": []}]}),
    ("gemini", {"contents": [{"role": "user", "parts": [{"text": ""}]}]}),
    ("gemini", {"contents": [{"role": "model", "parts": [{"text": "a cat"}]}]}),
    ("gemini", {"contents": [{"role": "robot", "parts": [{"text": "a cat"}]}]}),
    ("gemini", {"contents": [{"parts": [{"text": "word " * 32_769}]}]}),
    ("gemini", {"contents": [{"parts": [{"video": "x"}]}]}),
    ("gemini", {"contents": "a cat"}),
    ("gemini", {"contents": [{"parts": [{"text": "a cat"}]}], "n": 2}),
    ("gemini", {"contents": [{"parts": [{"text": "a cat"}]}], "safetySettings": [{"threshold": "BLOCK_ALL"}]}),
]


def check_refusal(answer: httpx.Response, status: int, name: str) -> str:
    """The error's message, once status and envelope are Google's."""
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (status, name)
    return str(error["message"])


@pytest.mark.parametrize(
    ("dialect", "fields", "named"),
    [("imagen", *row) for row in IMAGEN] + [("gemini", *row) for row in GEMINI],
)
async def test_a_wrong_parameter_is_refused_by_name(
    *, dialect: str, fields: dict[str, object], named: str, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """400 INVALID_ARGUMENT names the parameter, and nothing is billed."""
    answer = await send(client, dialect, **fields)
    assert named in check_refusal(answer, 400, "INVALID_ARGUMENT")
    assert sandbox.ledger.totals["usd"] == 0


@pytest.mark.parametrize(("dialect", "body"), BODIES)
async def test_a_body_that_orders_no_picture_is_refused(
    dialect: str, body: dict[str, Any], client: httpx.AsyncClient, call: CallOf
) -> None:
    """A prompt that is missing, empty or too long, and fields that do not exist: 400 INVALID_ARGUMENT."""
    path, headers, _ = call(dialect)
    check_refusal(await client.post(path, headers=headers, json=body), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("dialect", ["imagen", "gemini"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
async def test_a_body_that_is_no_json_object_is_refused(
    dialect: str, body: bytes, client: httpx.AsyncClient, call: CallOf
) -> None:
    """400 INVALID_ARGUMENT, whatever came."""
    path, headers, _ = call(dialect)
    check_refusal(await client.post(path, headers=headers, content=body), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("size", ["sampleImageSize", "imageSize"])
async def test_imagen_fast_has_no_2k(size: str, client: httpx.AsyncClient, call: CallOf) -> None:
    """2K is refused by Fast in either spelling, and taken by Standard."""
    _, headers, body = call("imagen")
    asked = {**body, "parameters": {"sampleCount": 1, size: "2K"}}
    fast = await client.post("/google/v1beta/models/imagen-4.0-fast-generate-001:predict", headers=headers, json=asked)
    standard = await client.post("/google/v1beta/models/imagen-4.0-generate-001:predict", headers=headers, json=asked)
    assert "2K" in check_refusal(fast, 400, "INVALID_ARGUMENT")
    assert standard.status_code == 200


async def test_gemini_takes_either_spelling(client: httpx.AsyncClient, call: CallOf) -> None:
    """Google's parser reads snake case as camel case, down to the last field."""
    path, headers, body = call("gemini")
    asked = {"contents": body["contents"], "generation_config": {"image_config": {"image_size": "8K"}}}
    assert "imageSize" in check_refusal(await client.post(path, headers=headers, json=asked), 400, "INVALID_ARGUMENT")


async def test_flash_lite_has_1k_only(client: httpx.AsyncClient, call: CallOf) -> None:
    """The lite model has neither 2K nor the longest ratios."""
    _, headers, body = call("gemini")
    for image in ({"imageSize": "2K"}, {"aspectRatio": "8:1"}):
        asked = {**body, "generationConfig": {"imageConfig": image}}
        path = "/google/v1beta/models/gemini-3.1-flash-lite-image:generateContent"
        check_refusal(await client.post(path, headers=headers, json=asked), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        ("imagen", "imagen-3.0-generate-002"),
        ("imagen", "gemini-nano-banana-2.1"),
        ("gemini", "gemini-3.1-flash-image"),
        ("gemini", "imagen-4.0-generate-001"),
    ],
)
async def test_a_retired_model_or_the_wrong_surface_is_not_found(
    dialect: str, model: str, client: httpx.AsyncClient, call: CallOf
) -> None:
    """404 NOT_FOUND says which model and which method."""
    path, headers, body = call(dialect)
    method = path.rpartition(":")[2]
    answer = await client.post(f"/google/v1beta/models/{model}:{method}", headers=headers, json=body)
    message = check_refusal(answer, 404, "NOT_FOUND")
    assert message.startswith(f"models/{model} is not found for API version v1beta")
    assert method in message


@pytest.mark.parametrize("dialect", ["imagen", "gemini"])
async def test_a_missing_key_and_a_wrong_key_differ(dialect: str, client: httpx.AsyncClient, call: CallOf) -> None:
    """No key is 403 PERMISSION_DENIED; a wrong one 400 with the reason API_KEY_INVALID. A Bearer key is none."""
    path, _, body = call(dialect)
    for headers in ({}, {"x-goog-api-key": ""}, {"authorization": "Bearer any"}):
        check_refusal(await client.post(path, headers=headers, json=body), 403, "PERMISSION_DENIED")
    wrong = await client.post(path, headers={"x-goog-api-key": "invalid"}, json=body)
    check_refusal(wrong, 400, "INVALID_ARGUMENT")
    assert wrong.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_a_blocked_prompt_is_a_200_without_a_picture(
    client: httpx.AsyncClient, call: CallOf, sandbox: Sandbox
) -> None:
    """Imagen gives the reason if asked for it and nothing if not, Gemini a `blockReason`; none of them bills."""
    path, headers, body = call("imagen")
    blocked = {**body, "instances": [{"prompt": "a sandbox-blocked scene"}]}
    told = (await client.post(path, headers=headers, json=blocked)).json()
    untold = (await client.post(path, headers=headers, json=blocked | {"parameters": {}})).json()
    path, headers, _ = call("gemini")
    contents = {"contents": [{"parts": [{"text": "a sandbox-blocked scene"}]}]}
    gemini = (await client.post(path, headers=headers, json=contents)).json()
    assert list(told["predictions"][0]) == ["raiFilteredReason"]
    assert untold == {}
    assert gemini["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
    assert "candidates" not in gemini
    assert [(call.status, call.usd) for call in sandbox.ledger.calls] == [(200, 0.0)] * 3
