"""What OpenAI refuses, and in which words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from serve.sandbox.app import Sandbox

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]

DALLE = [
    ({"n": 2}, "n", "invalid_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": "1"}, "n", "invalid_type"),
    ({"size": "512x512"}, "size", "invalid_value"),
    ({"size": "auto"}, "size", "invalid_value"),
    ({"quality": "high"}, "quality", "invalid_value"),
    ({"style": "loud"}, "style", "invalid_value"),
    ({"response_format": "png"}, "response_format", "invalid_value"),
    ({"prompt": "x" * 4001}, "prompt", "string_above_max_length"),
    ({"prompt": ""}, "prompt", "empty_string"),
    ({"prompt": None}, "prompt", "missing_required_parameter"),
    ({"prompt": 7}, "prompt", "invalid_type"),
    ({"model": None}, "model", "missing_required_parameter"),
    ({"background": "opaque"}, "background", "unknown_parameter"),
    ({"output_format": "png"}, "output_format", "unknown_parameter"),
    ({"seed": 1}, "seed", "unknown_parameter"),
    ({"aspect_ratio": "16:9"}, "aspect_ratio", "unknown_parameter"),
    ({"negative_prompt": "blur"}, "negative_prompt", "unknown_parameter"),
]
GPT = [
    ({"response_format": "b64_json"}, "response_format", "unknown_parameter"),
    ({"response_format": "url"}, "response_format", "unknown_parameter"),
    ({"style": "vivid"}, "style", "unknown_parameter"),
    ({"seed": 1}, "seed", "unknown_parameter"),
    ({"quality": "hd"}, "quality", "invalid_value"),
    ({"quality": "standard"}, "quality", "invalid_value"),
    ({"model": "gpt-image-2", "quality": "xhigh"}, "quality", "invalid_value"),
    ({"n": 11}, "n", "integer_above_max_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": True}, "n", "invalid_type"),
    ({"size": "1024"}, "size", "invalid_value"),
    ({"size": "1000x1000"}, "size", "invalid_value"),
    ({"size": "3072x1008"}, "size", "invalid_value"),
    ({"size": "1024x576"}, "size", "invalid_value"),
    ({"size": "3856x1600"}, "size", "invalid_value"),
    ({"size": "3840x2176"}, "size", "invalid_value"),
    ({"size": "0x1024"}, "size", "invalid_value"),
    ({"background": "red"}, "background", "invalid_value"),
    ({"background": "transparent", "output_format": "jpeg"}, "background", "invalid_value"),
    ({"output_format": "tiff"}, "output_format", "invalid_value"),
    ({"output_format": "gif"}, "output_format", "invalid_value"),
    ({"output_format": "svg"}, "output_format", "invalid_value"),
    ({"output_compression": 101}, "output_compression", "integer_above_max_value"),
    ({"output_compression": 50}, "output_compression", "invalid_value"),
    ({"moderation": "none"}, "moderation", "invalid_value"),
    ({"complexity": "extreme"}, "complexity", "invalid_value"),
    ({"partial_images": 4}, "partial_images", "integer_above_max_value"),
    ({"partial_images": 2}, "partial_images", "invalid_value"),
    ({"stream": True}, "stream", "invalid_value"),
    ({"stream": "yes"}, "stream", "invalid_type"),
    ({"frame_count": 4}, "frame_count", "invalid_value"),
    ({"svg": {"model": "x"}}, "svg", "invalid_value"),
    ({"prompt": "x" * 32_001}, "prompt", "string_above_max_length"),
    ({"prompt": "  "}, "prompt", "empty_string"),
    ({"prompt": None}, "prompt", "missing_required_parameter"),
]


@pytest.mark.parametrize(
    ("dialect", "fields", "param", "code"),
    [("dalle", *row) for row in DALLE] + [("gpt", *row) for row in GPT],
)
async def test_a_wrong_parameter_is_refused_by_name(
    *,
    dialect: str,
    fields: dict[str, object],
    param: str,
    code: str,
    client: httpx.AsyncClient,
    send: Send,
    sandbox: Sandbox,
) -> None:
    """A 400 in OpenAI's envelope names the parameter and the kind of mistake, and nothing is billed."""
    answer = await send(client, dialect, **fields)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert answer.headers["x-request-id"].startswith("req_")
    assert sandbox.ledger.totals == {"calls": 1, "billed_calls": 0, "billed_images": 0, "usd": 0}


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2", "gpt-5", "imagen-4.0-generate-001"])
async def test_a_retired_or_unknown_model_is_not_found(model: str, client: httpx.AsyncClient, send: Send) -> None:
    """The id is gone: 404 with the code `model_not_found`."""
    answer = await send(client, "gpt", model=model)
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"authorization": "Bearer "}, None),
        ({"authorization": "Basic any"}, None),
        ({"authorization": "Bearer invalid"}, "invalid_api_key"),
    ],
)
async def test_a_missing_or_wrong_key_is_refused(
    headers: dict[str, str], code: str | None, client: httpx.AsyncClient, call: CallOf
) -> None:
    """401 for pictures and for the list of models alike."""
    path, _, body = call("gpt")
    for answer in (
        await client.post(path, headers=headers, json=body),
        await client.get("/openai/v1/models", headers=headers),
    ):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(body: bytes, client: httpx.AsyncClient, call: CallOf) -> None:
    """400 in the envelope, whatever came."""
    path, headers, _ = call("gpt")
    answer = await client.post(path, headers=headers, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_blocked_prompt_is_answered_by_generation(
    client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """GPT Image says `moderation_blocked` with its details, dall-e-3 `content_policy_violation`; neither bills."""
    new = (await send(client, "gpt", prompt="a sandbox-blocked scene")).json()["error"]
    old = (await send(client, "dalle", prompt="a sandbox-blocked scene")).json()["error"]
    assert (new["type"], new["code"]) == ("image_generation_user_error", "moderation_blocked")
    assert new["moderation_details"] == {"moderation_stage": "input", "categories": ["violence"]}
    assert (old["type"], old["code"]) == ("invalid_request_error", "content_policy_violation")
    assert [call.status for call in sandbox.ledger.calls] == [400, 400]
    assert sandbox.ledger.totals["usd"] == 0
