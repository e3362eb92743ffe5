"""Signals from a vendor's answers reach the operator: `/readyz` warns of them, and the log does once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
ENDING = {
    "deprecation": "@1790000000",
    "sunset": "Fri, 01 Jan 2027 00:00:00 GMT",
    "link": '</v2>; rel="successor-version"',
}
GONE = {"error": {"message": "The model has been deprecated, learn more here.", "code": "model_not_found"}}
BODY = {"prompt": "a cat", "model": "gpt-image-2.5-flare"}


async def _warnings(client: httpx.AsyncClient) -> list[str]:
    lines: list[str] = (await client.get("/readyz")).json()["warnings"]
    return [line for line in lines if line.startswith("gpt-image-2.5-flare")]


async def test_a_vendors_announcement_is_warned_of(
    serving: Serving, tmp_path: Path, png: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """The headers of an answer become a line of readiness with day and successor, and one in the log for two calls."""

    def vendor(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"b64_json": base64.b64encode(png).decode()}]}, headers=ENDING)

    keyed = Settings(home=tmp_path, openai_api_key=SecretStr("k"))
    async with serving(keyed, transport=httpx.MockTransport(vendor)) as client:
        assert await _warnings(client) == []
        for _ in range(2):
            assert (await client.post("/v1/generate", json=BODY)).status_code == 200
        warned = await _warnings(client)
    assert warned == [
        "gpt-image-2.5-flare: its vendor says that it ends on 2027-01-01 and that it is deprecated from 2026-09-21 on; "
        "its successor there is /v2; bring its row in catalog.toml up to date"
    ]
    assert capsys.readouterr().out.count("its vendor says that it ends on") == 1


async def test_a_vendors_word_that_a_model_is_gone_moves_its_route(
    serving: Serving, tmp_path: Path, png: bytes
) -> None:
    """The successor answers within the same request, later decisions know it, and readiness says it."""

    def vendor(request: httpx.Request) -> httpx.Response:
        if b"gpt-image-2.5-flare" in request.content:
            return httpx.Response(404, json=GONE)
        return httpx.Response(200, json={"data": [{"b64_json": base64.b64encode(png).decode()}]})

    keyed = Settings(home=tmp_path, openai_api_key=SecretStr("k"))
    async with serving(keyed, transport=httpx.MockTransport(vendor)) as client:
        drawn = (await client.post("/v1/generate", json=BODY)).json()["routing"]
        (decision,) = (await client.post("/v1/route", json=BODY)).json()["data"]
        warned = await _warnings(client)
    assert (drawn["model"], drawn["vendor_model"]) == ("gpt-image-2.5-flare", "gpt-image-2.6-flare")
    assert [attempt["outcome"] for attempt in drawn["attempts"]] == ["model_gone", "ok"]
    assert decision["vendor_model"] == "gpt-image-2.6-flare"
    assert decision["warnings"] == ["gpt-image-2.5-flare is gone at its vendor: gpt-image-2.6-flare answers for it"]
    assert any("its vendor says that it is gone" in line for line in warned)
