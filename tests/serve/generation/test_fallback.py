"""Which errors go on to the next model, which end the request, and what the caller hears of either."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
Vendor = Callable[[httpx.Request], httpx.Response]
OPENAI, GOOGLE, IDEOGRAM = "api.openai.com", "generativelanguage.googleapis.com", "api.ideogram.ai"


class Network:
    """Answers by host and notes the order of what was ordered; a host that is not there refuses the connection."""

    def __init__(self, **vendors: Vendor) -> None:
        self._vendors = {
            OPENAI: vendors.get("openai"),
            GOOGLE: vendors.get("google"),
            IDEOGRAM: vendors.get("ideogram"),
        }
        self.called: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":  # the start asks vendors for the lists of their models
            self.called.append(request.url.host)
        vendor = self._vendors.get(request.url.host)
        if vendor is None:
            raise httpx.ConnectError("refused", request=request)
        return vendor(request)


def says(status: int, body: object = None, headers: dict[str, str] | None = None) -> Vendor:
    return lambda request: httpx.Response(status, json=body, headers=headers)


def breaks(error: type[httpx.TransportError]) -> Vendor:
    def vendor(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    return vendor


def openai_error(code: str) -> dict[str, object]:
    return {"error": {"message": "secret words of the vendor", "type": "invalid_request_error", "code": code}}


async def generate(serving: Serving, settings: Settings, network: Network, **wishes: object) -> httpx.Response:
    """The answer of a service that asks each model once: the same one again is `test_drawing_retries`' matter."""
    once = settings.model_copy(update={"attempts": 1})
    async with serving(once, transport=httpx.MockTransport(network)) as client:
        return await client.post("/v1/generate", json={"prompt": "two cats and three dogs", **wishes})


@pytest.mark.parametrize(
    ("openai", "kind", "status", "billed"),
    [
        (says(500), "upstream_error", 500, "no"),
        (says(503, openai_error("slow_down")), "upstream_error", 503, "no"),
        (says(401, openai_error("invalid_api_key")), "upstream_auth", 401, "no"),
        (says(429, openai_error("insufficient_quota")), "upstream_quota", 429, "no"),
        (says(429, openai_error("rate_limit_exceeded")), "rate_limited", 429, "no"),
        (says(200, {"data": []}), "empty_reply", 200, "unknown"),
        (breaks(httpx.ConnectError), "upstream_error", None, "no"),
        (breaks(httpx.ConnectTimeout), "upstream_error", None, "no"),
    ],
)
async def test_what_is_not_the_prompts_fault_goes_to_the_next_model(
    openai: Vendor, kind: str, status: int | None, billed: str, google_draws: Vendor, serving: Serving, keyed: Settings
) -> None:
    """A failing vendor costs an attempt, written down with its kind; the next candidate draws."""
    network = Network(openai=openai, google=google_draws)
    response = await generate(serving, keyed, network)
    assert response.status_code == 200
    routing = response.json()["routing"]
    first, second = routing["attempts"]
    assert (first["outcome"], first["status"], first["billed"]) == (kind, status, billed)
    assert (first["model"], first["vendor_model"]) == ("dalle-3-std", "gpt-image-2.5-sunburst")
    assert (first["cost_usd"] > 0) == (billed != "no")
    assert (second["model"], second["outcome"], second["billed"]) == ("gemini-nano-banana-2.1", "ok", "yes")
    assert routing["model"] == response.headers["x-prompt-intent-model"] == "gemini-nano-banana-2.1"
    assert routing["cost_usd"] == pytest.approx(first["cost_usd"] + second["cost_usd"])
    assert network.called == [OPENAI, GOOGLE]


async def test_a_retired_model_and_its_successor_go_to_the_next_model(
    google_draws: Vendor, serving: Serving, keyed: Settings
) -> None:
    """When the vendor has neither of them any more, the next candidate draws; every attempt is in the answer."""
    network = Network(openai=says(404, openai_error("model_not_found")), google=google_draws)
    routing = (await generate(serving, keyed, network)).json()["routing"]
    assert [(attempt["model"], attempt["vendor_model"], attempt["outcome"]) for attempt in routing["attempts"]] == [
        ("dalle-3-std", "gpt-image-2.5-sunburst", "model_gone"),
        ("dalle-3-std", "gpt-image-2.6-sunburst", "model_gone"),
        ("gemini-nano-banana-2.1", "gemini-nano-banana-2.1", "ok"),
    ]


@pytest.mark.parametrize(
    ("openai", "kind", "answer", "code", "billed"),
    [
        (says(400, openai_error("moderation_blocked")), "content_policy", 400, "moderation_blocked", "no"),
        (says(400, openai_error("invalid_value")), "invalid_request", 400, "invalid_value", "no"),
        (says(200, {"data": [{"b64_json": "PHN2Zz48L3N2Zz4="}]}), "upstream_error", 502, "upstream_error", "yes"),
        (breaks(httpx.ReadTimeout), "upstream_timeout", 504, "upstream_timeout", "unknown"),
        (breaks(httpx.ReadError), "upstream_timeout", 504, "upstream_timeout", "unknown"),
        (breaks(httpx.RemoteProtocolError), "upstream_timeout", 504, "upstream_timeout", "unknown"),
    ],
)
async def test_what_another_model_would_not_mend_ends_the_request(
    openai: Vendor, kind: str, answer: int, code: str, billed: str, serving: Serving, keyed: Settings,
    google_draws: Vendor,
) -> None:  # fmt: skip
    """A block, a refusal, a lost answer, a paid-for broken one: the decision and the attempt come with the error."""
    network = Network(openai=openai, google=google_draws)
    response = await generate(serving, keyed, network)
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["error"]["code"]) == (answer, code)
    (attempt,) = body["routing"]["attempts"]
    assert (attempt["outcome"], attempt["billed"]) == (kind, billed)
    assert body["routing"]["model"] is None
    assert "secret words" not in response.text
    assert response.headers.get("x-should-retry") == ("false" if billed != "no" else None)
    assert network.called == [OPENAI]


async def test_when_all_fail_the_last_error_answers(serving: Serving, keyed: Settings) -> None:
    """The status, code and headers are the last candidate's; every attempt is in the body."""
    limited = says(429, {"error": "slow down", "reject_reason": "inflight_limit"}, {"retry-after": "7"})
    network = Network(openai=says(500), google=says(503), ideogram=limited)
    response = await generate(serving, keyed, network)
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (429, "rate_limit_exceeded")
    assert response.headers["retry-after"] == "7"
    outcomes = [attempt["outcome"] for attempt in body["routing"]["attempts"]]
    assert outcomes == ["upstream_error", "upstream_error", "rate_limited"]
    assert (body["routing"]["model"], body["routing"]["cost_usd"]) == (None, 0.0)
    assert "x-prompt-intent-model" not in response.headers


async def test_a_named_model_has_no_second(serving: Serving, keyed: Settings, google_draws: Vendor) -> None:
    """A caller's model that fails is not replaced by another."""
    network = Network(openai=says(500), google=google_draws)
    response = await generate(serving, keyed, network, model="gpt-image-2.5-flare")
    assert response.status_code == 502
    assert network.called == [OPENAI]


async def test_a_request_that_only_a_keyless_model_could_honour(serving: Serving, keyed: Settings) -> None:
    """A long prompt needs one of the vendors without a key: 503 with every model's reason, and nobody is called."""
    short = keyed.model_copy(update={"openai_api_key": None, "gemini_api_key": None})
    network = Network()
    response = await generate(serving, short, network, prompt="cat " * 5_000, intent="text_heavy")
    body = response.json()
    reasons = {candidate["model"]: candidate["reason"] for candidate in body["routing"]["candidates"]}
    assert (response.status_code, body["error"]["code"]) == (503, "not_ready")
    assert "at most 10000 characters" in reasons["ideogram-v2a"]
    assert reasons["gpt-image-2.5-sunburst"] == "no OPENAI_API_KEY"
    assert reasons["ideogram-v2a"] in body["error"]["message"]
    assert network.called == []


async def test_too_long_for_every_model_is_a_400(serving: Serving, keyed: Settings) -> None:
    """Where no model could draw the request whoever had keys, the caller has to change it."""
    patient = keyed.model_copy(update={"max_prompt_chars": 100_000})
    network = Network()
    response = await generate(serving, patient, network, prompt="cat " * 10_000)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert network.called == []


async def test_fewer_pictures_than_asked_for_are_a_warning(
    serving: Serving, keyed: Settings, openai_draws: Vendor
) -> None:
    """A vendor that holds some pictures back still answers; the answer says how many came."""
    response = await generate(serving, keyed, Network(openai=openai_draws), n=2, model="gpt-image-2.5-flare")
    assert len(response.json()["data"]) == 1
    assert "2 pictures were asked for, 1 came" in response.json()["routing"]["warnings"]


async def test_a_full_disk_loses_no_bill(serving: Serving, keyed: Settings, openai_draws: Vendor) -> None:
    """When the drawn picture cannot be stored the error comes with the attempt that was paid for."""
    keyed.home.mkdir(exist_ok=True)
    (keyed.home / "images").write_text("not a folder")
    response = await generate(serving, keyed, Network(openai=openai_draws))
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (500, "storage_error")
    assert body["routing"]["attempts"][0]["billed"] == "yes"
