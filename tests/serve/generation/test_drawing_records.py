"""The books: an attempt is written down before its vendor hears of it, and what cannot be written is not called."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from serve.cost import estimate_usd
from serve.errors import CatalogError, EmptyReplyError, StoreError
from serve.fitting import fit
from serve.image_request import DrawnImage, ReadyModel, WireRequest
from serve.providers import DIALECTS
from serve.retry import RetryRule
from serve.sandbox.faults import FaultRule
from serve.settings import Settings
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import (
    FLARE,
    GOOGLE,
    OPENAI,
    RULES,
    Vendors,
    draws,
    job,
    keyed,
    sandbox_with,
    says,
    stage,
)


def database(home: Path) -> Path:
    return Settings(home=home).state.database


async def test_an_attempt_stands_as_sent_before_its_vendor_hears_of_it(tmp_path: Path) -> None:
    """A process that dies before the request's end leaves the row: sent, and maybe billed."""
    seen: list[tuple[int, str]] = []

    def look(request: httpx.Request) -> httpx.Response:
        with closing(sqlite3.connect(database(tmp_path))) as file:
            seen.extend(file.execute("SELECT number, billed FROM attempts WHERE outcome = 'sent'").fetchall())
        return says(503) if len(seen) == 1 else draws(request)

    async with stage(tmp_path, Vendors({OPENAI: [look]})) as scene:
        ended = await scene.run(job(model=FLARE))
        drawn = (await scene.ledger())[-1]
        await scene.finish(ended)
        entries = await scene.ledger()
    assert (ended.failure, drawn.billed, drawn.cost_usd > 0) == (None, "unknown", True)
    assert seen == [(1, "unknown"), (2, "unknown")]
    assert [(entry.number, entry.outcome, entry.status, entry.billed) for entry in entries] == [
        (1, "upstream_error", 503, "no"),
        (2, "ok", 200, "yes"),
    ]


async def test_the_ledger_says_what_the_answer_says(tmp_path: Path) -> None:
    """Outcome, status, bill and price of every attempt, whatever became of it."""
    faults = (FaultRule(nth=1, status=503), FaultRule(nth=2, effect="empty_200"), FaultRule(nth=3, effect="cut_after"))
    async with stage(tmp_path, sandbox_with(*faults)) as scene:
        ended = await scene.run(job())
        entries = await scene.ledger()
    told = [(a.model, a.vendor_model, a.outcome, a.status, a.ms, a.billed, a.cost_usd) for a in ended.attempts]
    kept = [(e.model, e.vendor_model, e.outcome, e.status, e.ms, e.billed, e.cost_usd) for e in entries]
    assert kept == told
    assert [attempt.billed for attempt in ended.attempts] == ["no", "unknown", "unknown"]


BREAK_INSERTS = "CREATE TRIGGER broken BEFORE INSERT ON attempts BEGIN SELECT RAISE(ABORT, 'no room'); END"
BREAK_UPDATES = "CREATE TRIGGER broken BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'no room'); END"


MEND = "DROP TRIGGER broken"
ONCE = replace(RULES, retry=RetryRule(attempts=1))


def spoil(home: Path, statement: str) -> None:
    """Somebody else changes the store's file."""
    with closing(sqlite3.connect(database(home))) as file:
        file.execute(statement)


@pytest.mark.parametrize("n", [1, 3])
async def test_what_cannot_be_written_down_is_not_called(n: int, tmp_path: Path) -> None:
    """Nothing is called that would not be in the books; one error tells."""
    vendors = Vendors({OPENAI: [draws], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, settings=keyed(tmp_path)) as scene:
        spoil(tmp_path, BREAK_INSERTS)
        ended = await scene.run(job(n=n))
    assert isinstance(ended.failure, StoreError)
    assert (vendors.called, ended.attempts) == ([], ())


async def test_pictures_whose_bill_cannot_be_written_down_are_not_lost(tmp_path: Path) -> None:
    """They are paid for, and nobody is asked for others; the books get the bill with the request's end."""
    vendors = Vendors({OPENAI: [draws], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        spoil(tmp_path, BREAK_UPDATES)
        ended = await scene.run(job(n=3))
        before = await scene.ledger()
        spoil(tmp_path, MEND)
        await scene.finish(ended)
        after = await scene.ledger()
    assert (ended.failure, len(ended.pictures), vendors.called) == (None, 3, [OPENAI])
    assert [(entry.outcome, entry.billed) for entry in before] == [("sent", "unknown")]
    [attempt] = ended.attempts
    assert [(entry.outcome, entry.billed, entry.cost_usd) for entry in after] == [("ok", "yes", attempt.cost_usd)]


async def test_a_failure_that_is_not_in_the_books_ends_the_request(tmp_path: Path) -> None:
    """Whoever was asked next might add a bill to one that is not there."""
    vendors = Vendors({OPENAI: [says(503)], GOOGLE: [draws]})
    async with stage(tmp_path, vendors) as scene:
        spoil(tmp_path, BREAK_UPDATES)
        ended = await scene.run(job())
    assert isinstance(ended.failure, StoreError)
    assert (vendors.called, len(ended.late_ends)) == ([OPENAI], 1)


async def test_a_bill_that_is_not_in_the_books_ends_the_request(tmp_path: Path) -> None:
    """One of two calls was drawn and cannot be written down, the other failed: the next model would draw both anew."""
    vendors = Vendors({OPENAI: [says(503), draws], GOOGLE: [draws]})
    async with stage(tmp_path, vendors, rules=ONCE, time=FakeTime(date(2025, 6, 1))) as scene:
        spoil(tmp_path, BREAK_UPDATES.replace("BEGIN", "WHEN NEW.number = 2 BEGIN"))
        ended = await scene.run(job(n=2))
    assert (ended.failure, len(ended.pictures), len(ended.late_ends)) == (None, 1, 1)
    assert vendors.called == [OPENAI, OPENAI]
    assert [attempt.billed for attempt in ended.attempts] == ["no", "yes"]


async def test_a_failed_call_is_settled_by_what_its_vendor_counted(tmp_path: Path) -> None:
    """No picture came, so ten tokens of prompt are the bill, not a whole picture."""
    usage = {"input_tokens": 10, "output_tokens": 0, "output_tokens_details": {"image_tokens": 0, "text_tokens": 0}}
    empty = httpx.Response(200, json={"created": 1, "data": [], "usage": usage})
    async with stage(tmp_path, Vendors({OPENAI: [empty]}), rules=ONCE) as scene:
        ended = await scene.run(job(model=FLARE))
        entries = await scene.ledger()
    assert isinstance(ended.failure, EmptyReplyError)
    assert [(attempt.billed, attempt.cost_usd) for attempt in ended.attempts] == [("unknown", 0.00005)]
    assert [(entry.billed, entry.cost_usd) for entry in entries] == [("unknown", 0.00005)]


async def test_a_crash_after_the_call_is_in_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a dialect ends the attempt at once, maybe billed, and not at the next start."""

    def read(response: httpx.Response) -> list[DrawnImage]:
        raise KeyError("a mistake of ours")

    monkeypatch.setitem(DIALECTS, "openai_images", replace(DIALECTS["openai_images"], read=read))
    async with stage(tmp_path, Vendors({OPENAI: [draws]})) as scene:
        asked = job(model=FLARE)
        with pytest.raises(KeyError):
            await scene.run(asked)
        row, entries = scene.catalog.models[FLARE], await scene.ledger()
    usd = estimate_usd(row, fit(asked.request, row)[0])
    assert [(entry.outcome, entry.billed, entry.cost_usd) for entry in entries] == [("crash", "unknown", usd)]


async def test_what_one_call_drew_is_in_the_books_before_another_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of the others: here one meets a mistake of ours."""
    read, answers = DIALECTS["openai_images"].read, []

    def stumble(response: httpx.Response) -> list[DrawnImage]:
        answers.append(response)
        if len(answers) == 2:
            raise KeyError("a mistake of ours")
        return read(response)

    monkeypatch.setitem(DIALECTS, "openai_images", replace(DIALECTS["openai_images"], read=stumble))
    async with stage(tmp_path, Vendors({OPENAI: [draws]}), time=FakeTime(date(2025, 6, 1))) as scene:
        with pytest.raises(KeyError):
            await scene.run(job(n=2))
        entries = await scene.ledger()
    assert sorted((entry.outcome, entry.billed) for entry in entries) == [("crash", "unknown"), ("ok", "yes")]


async def test_what_cannot_be_built_is_not_in_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is written wrongly: nothing was about to be sent."""

    def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
        raise CatalogError("models.x.shapes: written wrongly")

    monkeypatch.setitem(DIALECTS, "openai_images", replace(DIALECTS["openai_images"], build=build))
    vendors = Vendors({OPENAI: [draws]})
    async with stage(tmp_path, vendors) as scene:
        with pytest.raises(CatalogError):
            await scene.run(job(model=FLARE))
        entries = await scene.ledger()
    assert (entries, vendors.called) == ([], [])
