"""What the ledger writes down: every call, its bill, and the request as it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from serve.sandbox.app import Sandbox
from serve.sandbox.ledger import Call, Ledger, without_pictures

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]


@pytest.mark.parametrize(
    ("dialect", "fields", "usd"),
    [
        ("dalle", {}, 0.04),
        ("dalle", {"size": "1792x1024"}, 0.08),
        ("dalle", {"quality": "hd"}, 0.08),
        ("dalle", {"quality": "hd", "size": "1024x1792"}, 0.12),
        ("gpt", {"quality": "low"}, 0.00588),
        ("gpt", {"quality": "medium", "n": 2}, 0.02634),
        ("gpt", {"quality": "auto"}, 0.01317),
        ("gpt", {"quality": "high"}, 0.05268),
        ("gpt", {"quality": "xhigh"}, 0.09366),
        ("gpt", {"quality": "max"}, 0.21072),
        ("gpt", {"model": "gpt-image-2", "quality": "low"}, 0.006),
        ("imagen", {"sampleCount": 3}, 0.12),
        ("gemini", {}, 0.0336),
        ("gemini", {"imageConfig": {"imageSize": "2K"}}, 0.0504),
        ("legacy", {}, 0.04),
        ("legacy", {"model": "V_2"}, 0.08),
        ("legacy", {"model": "V_2_TURBO", "num_images": 3}, 0.15),
        ("legacy", {"model": "V_2A_TURBO"}, 0.025),
        ("v2", {}, 0.04),
        ("v2", {"rendering_speed": "turbo", "num_images": 8}, 0.2),
        ("flux", {}, 0.03),
        ("flux", {"width": 1440, "height": 1440}, 0.045),
        ("flux", {"width": 2048, "height": 2048}, 0.075),
        ("recraft", {"n": 6}, 0.24),
        ("recraft", {"model": "recraftv4_1", "n": 2}, 0.07),
        ("recraft", {"model": None}, 0.035),
    ],
)
async def test_pictures_cost_their_price(
    *, dialect: str, fields: dict[str, object], usd: float, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """The bill is the vendor's price of one picture by quality, size or speed, times the pictures."""
    assert (await send(client, dialect, **fields)).status_code == 200
    assert sandbox.ledger.totals["usd"] == pytest.approx(usd, abs=1e-9)


@pytest.mark.parametrize(
    ("path", "usd"),
    [
        ("/google/v1beta/models/imagen-4.0-fast-generate-001:predict", 0.02),
        ("/google/v1beta/models/imagen-4.0-ultra-generate-001:predict", 0.06),
        ("/google/v1beta/models/gemini-3.1-flash-lite-image:generateContent", 0.0336),
        ("/google/v1beta/models/gemini-3-pro-image:generateContent", 0.134),
        ("/ideogram/v2/image/generate/ideogram-2", 0.08),
        ("/ideogram/v2/image/generate/ideogram-3", 0.06),
        ("/ideogram/v2/image/generate/ideogram-4", 0.06),
        ("/ideogram/v2/image/generate/ideogram-4-5", 0.1),
        ("/bfl/v1/flux-2-klein-4b", 0.014),
        ("/bfl/v1/flux-2-klein-9b", 0.015),
        ("/bfl/v1/flux-2-flex", 0.06),
        ("/bfl/v1/flux-2-max", 0.07),
    ],
)
async def test_a_model_in_the_path_has_its_own_price(
    *, path: str, usd: float, client: httpx.AsyncClient, call: CallOf, sandbox: Sandbox
) -> None:
    """The same request costs what the model in the path costs."""
    kinds = {"predict": "imagen", "generateContent": "gemini"}
    dialect = kinds.get(path.rpartition(":")[2], "flux" if path.startswith("/bfl") else "v2")
    _, headers, body = call(dialect)
    assert (await client.post(path, headers=headers, json=body)).status_code == 200
    assert sandbox.ledger.totals["usd"] == usd


async def test_the_ledger_shows_every_call_and_forgets_on_demand(
    client: httpx.AsyncClient, send: Send, call: CallOf
) -> None:
    """Refused and drawn calls are listed with model, endpoint, count, status, bill and request; DELETE clears them."""
    await send(client, "legacy", negative_prompt="blur")
    await send(client, "legacy", num_images=2)
    shown = (await client.get("/__ledger")).json()
    refused, drawn = shown["calls"]
    assert (refused["model"], refused["n"], refused["status"], refused["usd"]) == ("V_2A", 0, 400, 0)
    assert drawn == {
        "provider": "ideogram",
        "endpoint": "/ideogram/generate",
        "model": "V_2A",
        "n": 2,
        "status": 200,
        "usd": 0.08,
        "fault": None,
        "request": {"image_request": {**call("legacy")[2]["image_request"], "num_images": 2}},
    }
    assert shown["totals"] == {"calls": 2, "billed_calls": 1, "billed_images": 2, "usd": 0.08}
    assert (await client.delete("/__ledger")).status_code == 204
    assert (await client.get("/__ledger")).json() == {
        "calls": [],
        "totals": {"calls": 0, "billed_calls": 0, "billed_images": 0, "usd": 0},
    }


async def test_a_request_without_a_model_is_listed_all_the_same(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """A body that cannot be read names no model and orders nothing."""
    await client.post("/openai/v1/images/generations", content=b"{", headers={"authorization": "Bearer any"})
    assert sandbox.ledger.calls == (Call("openai", "/openai/v1/images/generations", status=400),)


def test_pictures_in_a_request_are_noted_by_length() -> None:
    """The ledger keeps no base64."""
    request = {"contents": [{"parts": [{"inlineData": {"data": "QUJD"}}, {"text": "a cat"}]}]}
    noted = {"contents": [{"parts": [{"inlineData": {"data": "<4 characters of base64>"}}, {"text": "a cat"}]}]}
    assert without_pictures(request) == noted


def test_the_ledger_forgets_the_oldest_calls_but_not_their_bills() -> None:
    """A sandbox that runs for days holds the newest 10,000 calls and the totals of all."""
    ledger = Ledger()
    for number in range(10_001):
        ledger.record(Call("openai", f"/{number}", n=1, usd=0.01))
    assert len(ledger.calls) == 10_000
    assert ledger.calls[0].endpoint == "/1"
    assert ledger.totals == {"calls": 10_001, "billed_calls": 10_001, "billed_images": 10_001, "usd": 100.01}
