"""Signals from a vendor's answers reach the operator: `/readyz` warns of them, and the log does once."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serve.catalog import load_catalog
from serve.clock import Clock
from serve.model_list import watch
from serve.settings import Settings
from serve.targets import Targets
from serve.vitals import make_vitals

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


async def test_a_vendors_list_is_read_at_start_up(serving: Serving, tmp_path: Path) -> None:
    """OpenAI's `GET /v1/models` names a day that the catalogue lacks: readiness warns of it before any call."""
    asked: list[str] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url} {request.headers['authorization']}")
        entries = [{"id": "gpt-image-2.5-flare", "shutdown_date": "2027-03-01"}, {"id": "gpt-image-2"}]
        return httpx.Response(200, json={"object": "list", "data": entries})

    keyed = Settings(home=tmp_path, openai_api_key=SecretStr("k"))
    async with serving(keyed, transport=httpx.MockTransport(vendor)) as client:
        for _ in range(1000):  # it is read while the service starts to answer
            if warned := await _warnings(client):
                break
            await asyncio.sleep(0.01)
    assert asked == ["GET https://api.openai.com/v1/models Bearer k"]
    assert warned == [
        "gpt-image-2.5-flare: its vendor says that it ends on 2027-03-01; bring its row in catalog.toml up to date"
    ]


class TiredError(Exception):
    """Ends a watch."""


async def test_the_watch_outlives_a_bad_list_and_knows_the_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What no parser survives is in the log, and tomorrow is asked again, by the rows that live then."""
    catalog, settings = load_catalog(), Settings(home=tmp_path, openai_api_key=SecretStr("k"))
    eve = date(2026, 12, 1)
    rows = {
        name: row.model_copy(update={"shutdown_date": date(2026, 12, 3)})
        for name, row in catalog.models.items()
        if row.provider == "openai"
    }
    catalog = catalog.model_copy(update={"models": catalog.models | rows})
    answers = [b"[" * 100_000, b'{"data": [{"id": "gpt-image-2.5-flare", "shutdown_date": "2027-03-01"}]}']
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise TiredError

    vitals = make_vitals(Clock())
    vendor = httpx.MockTransport(lambda _: httpx.Response(200, content=answers.pop(0)))
    async with httpx.AsyncClient(transport=vendor) as client:
        with pytest.raises(TiredError):
            await watch(client, Targets.from_settings(settings, catalog), catalog, vitals, eve, sleep)
    # On the third day they are all dead, and there is nobody to ask.
    assert (answers, waits) == ([], [86_400.0] * 3)
    logged = capsys.readouterr().out
    assert (logged.count("model list"), "RecursionError" in logged) == (1, True)
    assert len(vitals.sunsets.lines()) == 1


@pytest.mark.parametrize("host", ["http://127.0.0.1:9/v1", None])
async def test_nobody_but_a_vendor_is_asked_for_a_list(serving: Serving, tmp_path: Path, host: str | None) -> None:
    """An overridden host is known to its operator, and without a key there is nobody to ask."""
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500)

    key = SecretStr("k") if host else None
    settings = Settings(home=tmp_path, openai_api_key=key, openai_base_url=host, sandbox="off")
    async with serving(settings, transport=httpx.MockTransport(server)) as client:
        assert (await client.get("/readyz")).status_code in (200, 503)
    assert asked == []


@pytest.mark.parametrize("answer", [httpx.Response(401), httpx.Response(200, text="<html>"), httpx.ConnectError("no")])
async def test_a_vendor_without_a_list_is_left_alone(
    serving: Serving, tmp_path: Path, answer: httpx.Response | httpx.ConnectError
) -> None:
    """A refusal, a page and no answer at all: the service is ready, and says nothing of dates."""

    def vendor(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.ConnectError):
            raise answer
        return answer

    keyed = Settings(home=tmp_path, openai_api_key=SecretStr("k"))
    async with serving(keyed, transport=httpx.MockTransport(vendor)) as client:
        ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert not [line for line in ready.json()["warnings"] if "its vendor says" in line]
