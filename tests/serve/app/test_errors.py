"""Every refusal is OpenAI's envelope with a status, a field and a code; nothing internal ever leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from classifier import IntentClassifier
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
JSON = {"content-type": "application/json"}


def error_of(response: httpx.Response) -> dict[str, str | None]:
    """The envelope's four keys; every error answer has all of them, and the request's id."""
    assert response.headers["x-request-id"]
    error: dict[str, str | None] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


@pytest.mark.parametrize(
    ("wishes", "param", "code"),
    [
        ({"prompt": None}, "prompt", "invalid_value"),
        ({"prompt": 5}, "prompt", "invalid_value"),
        ({"prompt": " \n"}, "prompt", "invalid_value"),
        ({"prompt": "x" * 51}, "prompt", "invalid_value"),
        ({"negative_prompt": "x" * 51}, "negative_prompt", "invalid_value"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"n": "2"}, "n", "invalid_value"),
        ({"n": True}, "n", "invalid_value"),
        ({"n": 1.5}, "n", "invalid_value"),
        ({"n": 10**400}, "n", "invalid_value"),
        ({"size": "big"}, "size", "invalid_value"),
        ({"size": "0x512"}, "size", "invalid_value"),
        ({"size": "1024x1024\n"}, "size", "invalid_value"),
        ({"aspect_ratio": "16x9"}, "aspect_ratio", "invalid_value"),
        ({"aspect_ratio": "16:9", "size": "1024x1024"}, "aspect_ratio", "invalid_value"),
        ({"quality": "4k"}, "quality", "invalid_value"),
        ({"response_format": "svg"}, "response_format", "invalid_value"),
        ({"output_format": "gif"}, "output_format", "invalid_value"),
        ({"seed": -1}, "seed", "invalid_value"),
        ({"seed": 2**31}, "seed", "invalid_value"),
        ({"intent": "poetry"}, "intent", "invalid_value"),
        ({"model": "imagen-5"}, "model", "model_not_found"),
        ({"model": "dalle-3-std", "n": 11}, "n", "invalid_value"),
        ({"max_cost": -0.01}, "max_cost", "invalid_value"),
        ({"max_cost": 0.001}, "max_cost", "over_budget"),
        ({"model": "dalle-3-std", "n": 2, "max_cost": 0.07}, "max_cost", "over_budget"),
        ({"deadline_ms": 0}, "deadline_ms", "invalid_value"),
        ({"allow": []}, "allow", "invalid_value"),
        ({"allow": ["dalle-4"]}, "allow", "invalid_value"),
        ({"deny": ["dalle-4"]}, "deny", "invalid_value"),
        ({"optimize": {"beauty": 1}}, "optimize.beauty", "unknown_parameter"),
        ({"optimize": {"cost": -1}}, "optimize.cost", "invalid_value"),
        ({"aspect_ration": "16:9"}, "aspect_ration", "unknown_parameter"),
    ],
)
async def test_a_wish_that_cannot_be_met_names_its_field(
    wishes: dict[str, object], param: str, code: str, serving: Serving, settings: Settings
) -> None:
    """A wrong, contradictory or unknown field is a 400 with that field in `param`."""
    async with serving(settings.model_copy(update={"max_prompt_chars": 50})) as client:
        response = await client.post("/v1/generate", json={"prompt": "a cat", **wishes})
    error = error_of(response)
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"a cat"',
        b"null",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"prompt": "a", "n": ' + b"9" * 5000 + b"}",
        b'{"prompt": "a", "n": NaN}',
        b'{"prompt": "a", "seed": Infinity}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "a", "\\ud800": 1}',
        b'{"n": 1}',
    ],
)
async def test_a_body_that_is_no_request_is_a_400(body: bytes, serving: Serving, settings: Settings) -> None:
    """Broken JSON, other JSON, numbers no JSON has and half characters are refused, not crashed on."""
    async with serving(settings) as client:
        response = await client.post("/v1/generate", content=body, headers=JSON)
    assert response.status_code == 400
    error_of(response)


async def test_json_under_another_name_is_refused_with_advice(serving: Serving, settings: Settings) -> None:
    """A form's content type, which any page may send, is not read as JSON; the message says what to send."""
    async with serving(settings) as client:
        response = await client.post("/v1/generate", content=b'{"prompt":"a"}', headers={"content-type": "text/plain"})
    assert "application/json" in (error_of(response)["message"] or "")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/generate", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("DELETE", "/v1/images/" + "0" * 32, 405, "method_not_allowed"),
        ("GET", "/static/nowhere.js", 404, "not_found"),
        ("GET", "/static/%2e%2e/app.py", 404, "not_found"),
    ],
)
async def test_paths_and_methods_that_are_not_there(
    method: str, path: str, status: int, code: str, serving: Serving, settings: Settings
) -> None:
    """404 and 405 come in the envelope too."""
    async with serving(settings) as client:
        response = await client.request(method, path)
    assert (response.status_code, error_of(response)["code"]) == (status, code)


async def test_a_crash_says_nothing_about_itself(
    serving: Serving, settings: Settings, make_classifier: Callable[..., IntentClassifier]
) -> None:
    """An exception nobody expected is a plain 500 with the request's id and the browser's restrictions."""

    def crash() -> None:
        raise RuntimeError("secret /etc/passwd")

    async with serving(settings, classifier=make_classifier(crash)) as client:
        response = await client.post("/v1/classify", json={"prompt": "a"})
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in response.text
    assert "Traceback" not in response.text


async def test_the_document_promises_what_the_service_answers(serving: Serving, settings: Settings) -> None:
    """The OpenAPI document describes the envelope, and not the framework's own 422."""
    async with serving(settings) as client:
        document = (await client.get("/openapi.json")).json()
    answers = document["paths"]["/v1/generate"]["post"]["responses"]
    assert set(answers) == {"200", "4XX", "5XX"}
    assert "ErrorEnvelope" in json.dumps(answers["4XX"])
