"""`doctor --live`: what it tries, what it may spend, and that it tells a vendor who speaks otherwise than we think."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from serve.catalog import load_catalog
from serve.checkup import Finding
from serve.cli import app
from serve.client import make_client
from serve.conformance import Conformance, Trial, plan_trials, untried, within
from serve.lifecycle import is_dead
from serve.pictures import PictureDesk
from serve.sandbox.app import create_sandbox
from serve.settings import Settings
from serve.targets import Targets

TODAY = date(2026, 11, 22)
CATALOG = load_catalog()
SANDBOX = Targets.from_settings(Settings(sandbox="on"), CATALOG)
VENDORS = Targets.from_settings(
    Settings.model_validate({f"{name}_api_key": "k" for name in ("openai", "gemini", "ideogram", "bfl", "recraft")}),
    CATALOG,
)
TRIALS = plan_trials(CATALOG, SANDBOX, TODAY)
OPENAI = next(trial for trial in TRIALS if trial.row.provider == "openai")

Change = Callable[[httpx.Response, dict[str, Any]], httpx.Response]


class Vendor(httpx.AsyncBaseTransport):
    """The sandbox, but for the answers that `change` replaces; it gets an answer and what was asked."""

    def __init__(self, change: Change) -> None:
        self._change, self._sandbox = change, httpx.ASGITransport(app=create_sandbox())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._sandbox.handle_async_request(request)
        await answer.aread()
        return self._change(answer, json.loads(request.content or b"{}"))


def _as_it_is(answer: httpx.Response, _: dict[str, Any]) -> httpx.Response:
    return answer


async def tried(change: Change, *trials: Trial) -> list[str]:
    """What examining the trials finds beside what is fine."""
    async with make_client(Settings(), Vendor(change)) as client:
        kit = Conformance(client, PictureDesk(client, SANDBOX), SANDBOX, TODAY, 30)
        return _told([*await kit.examine(trials), *await kit.ends(CATALOG)])


def _told(findings: list[Finding]) -> list[str]:
    return [f"{one.level} {one.subject}: {one.message}" for one in findings if one.level != "ok"]


def run(*arguments: str, answer: str = "", **environment: str) -> Result:
    """One command; `answer` is what is typed."""
    return CliRunner().invoke(
        app, ["doctor", "--live", *arguments], input=answer, env={"COLUMNS": "200", **environment}
    )


def test_every_living_dialect_is_tried_at_its_cheapest() -> None:
    """Each provider's dialects once, cheapest first; a dialect whose rows are all dead is left out, and told."""
    trials = plan_trials(CATALOG, VENDORS, TODAY)
    living = {f"{m.provider} {m.dialect}" for m in CATALOG.models.values() if m.dialect != "google_predict"}
    assert {trial.subject for trial in trials} == living
    assert untried(CATALOG, VENDORS, TODAY) == [
        Finding("ok", "google google_predict", "not tried: no living model speaks it")
    ]
    assert [trial.usd for trial in TRIALS] == sorted(trial.usd for trial in TRIALS)
    assert (OPENAI.row.name, OPENAI.wire.quality, OPENAI.wire.n) == ("gpt-image-2.5-flare", "low", 1)
    in_2025 = plan_trials(CATALOG, VENDORS, date(2025, 11, 22))
    assert "google google_predict" in {trial.subject for trial in in_2025}
    assert untried(CATALOG, VENDORS, date(2025, 11, 22)) == []


def test_a_dead_row_is_tried_where_it_answers() -> None:
    """On a host that is not the vendor's own, and only where no living row speaks its dialect."""
    dead = [trial.row.name for trial in TRIALS if is_dead(trial.row, TODAY)]
    assert dead == ["imagen-4-fast"]
    assert untried(CATALOG, SANDBOX, TODAY) == []


def test_only_who_has_a_key_is_tried() -> None:
    """And nobody where no key is set."""
    targets = Targets.from_settings(Settings(sandbox="off", bfl_api_key="k"), CATALOG)  # type: ignore[arg-type]
    assert [trial.subject for trial in plan_trials(CATALOG, targets, TODAY)] == ["bfl bfl_flux"]
    assert plan_trials(CATALOG, Targets.from_settings(Settings(sandbox="off"), CATALOG), TODAY) == []


@pytest.mark.parametrize("ceiling", [0.0, 0.03, 1.0])
def test_the_ceiling_holds_and_what_it_leaves_out_is_told(ceiling: float) -> None:
    """No trial is lost: it is made, or there is a warning."""
    taken, left = within(TRIALS, ceiling)
    assert sum(trial.usd for trial in taken) <= ceiling
    assert len(taken) + len(left) == len(TRIALS)
    assert {finding.level for finding in left} <= {"warning"}
    assert (ceiling < 1) == bool(left)


def test_a_dry_run_on_the_sandbox_is_fine() -> None:
    """Every dialect refuses a wrong key and an unknown model, and draws; nobody is asked whether to pay."""
    result = run("--json")
    live = [one for one in json.loads(result.stdout)["findings"] if one["subject"] in {t.subject for t in TRIALS}]
    assert [one for one in live if one["level"] != "ok"] == []
    assert len(live) == 3 * len(TRIALS)
    assert sum(one["message"].startswith("draws: ") for one in live) == len(TRIALS)


def test_nothing_is_spent_without_a_yes() -> None:
    """With keys the bill is named first, and "n" ends it."""
    result = run(answer="n\n", OPENAI_API_KEY="k", OPENAI_BASE_URL="http://127.0.0.1:9")
    assert "1 picture(s) for about $0.01: go on?" in result.stderr
    assert "not tried: 1 picture(s) for about $0.01 were not agreed to" in result.stdout


def test_a_vendor_that_cannot_be_reached_is_an_error() -> None:
    """Exit code 2; a set-up that cannot be read is told once."""
    result = run("--yes", "--json", OPENAI_API_KEY="k", OPENAI_BASE_URL="http://127.0.0.1:9")
    told = [one["message"] for one in json.loads(result.stdout)["findings"] if one["level"] == "error"]
    assert (result.exit_code, len(told)) == (2, 1)
    assert told[0].startswith("draws: gpt-image-2.5-flare gave no picture: openai: could not be reached")
    assert run("--json", "--profile", "lively").stdout.count("lively") == 1


async def test_a_vendor_as_we_know_it_gives_nothing_to_tell() -> None:
    """The whole kit without a warning."""
    assert await tried(_as_it_is, *TRIALS) == []


async def test_who_draws_for_a_wrong_key_is_an_error() -> None:
    """It may have been billed to somebody."""

    def lax(answer: httpx.Response, asked: dict[str, Any]) -> httpx.Response:
        return drawing if answer.status_code == 401 else answer

    async with httpx.AsyncClient(transport=Vendor(_as_it_is), base_url="http://sandbox/openai/v1") as client:
        body = {"model": "gpt-image-2", "prompt": "x"}
        drawing = await client.post("/images/generations", json=body, headers={"authorization": "Bearer k"})
    (told,) = await tried(lax, OPENAI)
    assert told == "error openai openai_images: a wrong key: was not refused, and a picture may have been billed"


async def test_a_refusal_of_another_kind_is_a_warning() -> None:
    """A vendor that says 500 of an unknown model would be asked again and again."""

    def crashing(answer: httpx.Response, asked: dict[str, Any]) -> httpx.Response:
        return httpx.Response(500) if asked and answer.status_code == 404 else answer

    (told,) = await tried(crashing, OPENAI)
    assert told.startswith("warning openai openai_images: an unknown model: 500, told as upstream_error where model_")


async def test_another_bill_than_expected_is_a_warning() -> None:
    """Ten times the tokens: the price in the catalogue is not what is paid."""

    def dear(answer: httpx.Response, asked: dict[str, Any]) -> httpx.Response:
        if not asked or "usage" not in (body := answer.json()):
            return answer
        return httpx.Response(200, json={**body, "usage": {"input_tokens": 10, "output_tokens": 20_000}})

    (told,) = await tried(dear, OPENAI)
    assert "was expected: bring the row's price up to date" in told


async def test_another_size_than_asked_is_a_warning() -> None:
    """A shape in pixels is held against the picture's own."""
    wide = await _drawn_wide()

    def stretched(answer: httpx.Response, asked: dict[str, Any]) -> httpx.Response:
        return wide if answer.is_success and "prompt" in asked else answer

    assert any("1024x1024 was asked" in told for told in await tried(stretched, OPENAI))


async def test_a_day_that_the_list_has_and_the_catalogue_has_not_is_a_warning() -> None:
    """The vendor knows best when its model ends."""

    def ending(answer: httpx.Response, asked: dict[str, Any]) -> httpx.Response:
        if asked:
            return answer
        return httpx.Response(200, json={"data": [{"id": OPENAI.row.vendor_model, "shutdown_date": "2027-03-01"}]})

    told = await tried(ending)
    assert told == [
        "warning gpt-image-2.5-flare: its vendor's list says it ends 2027-03-01, the catalogue gives no day: "
        "bring its row up to date"
    ]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (404, "ok openai models: has no list of its models"),
        (405, "ok openai models: has no list of its models"),
        (403, "warning openai models: its list answered 403, so the days on which models end were not compared"),
        (None, "warning openai models: its list could not be asked for (ConnectError), so"),
        (200, "warning openai models: its list is not JSON, so"),
    ],
)
async def test_a_list_that_was_not_read_is_not_one_that_is_not_there(answer: int | None, finding: str) -> None:
    """Only who has no such path has no list; what was refused or not reached may hold an end that nobody knows of."""

    def respond(request: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("nobody is there", request=request)
        return httpx.Response(answer, text="<html>")

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        found = await Conformance(client, PictureDesk(client, SANDBOX), SANDBOX, TODAY, 30).ends(CATALOG)
    [told] = [one for one in found if one.subject == "openai models"]
    assert f"{told.level} {told.subject}: {told.message}".startswith(finding)


async def _drawn_wide() -> httpx.Response:
    async with httpx.AsyncClient(transport=Vendor(_as_it_is), base_url="http://sandbox/openai/v1") as client:
        body = {"model": OPENAI.row.vendor_model, "prompt": "x", "size": "1536x1024", "quality": "low"}
        return await client.post("/images/generations", json=body, headers={"authorization": "Bearer k"})
