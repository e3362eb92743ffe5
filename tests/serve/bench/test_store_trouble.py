"""A store that stops writing half-way: what was measured stays, nothing more is called, and nothing is billed twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from serve.errors import UpstreamTimeoutError
from serve.image_request import ImageRequest
from serve.job import Job
from serve.service import open_service
from serve.settings import Settings
from serve.studio import Key
from tests.serve.bench.conftest import FOX, Range

BREAK = "CREATE TRIGGER broken BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'no room'); END"
BREAK_FOR_GOOD = "ALTER TABLE attempts RENAME TO lost"


def spoil(field: Range, statement: str) -> None:
    """Somebody else changes the store's file."""
    with closing(sqlite3.connect(Settings(home=field.home).state.database)) as file:
        file.execute(statement)


async def test_what_was_measured_before_is_kept_and_the_cause_is_told(field: Range) -> None:
    """The second call was made and cannot be written down; the third is not made at all."""
    calls = 0

    async def before() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            spoil(field, BREAK_FOR_GOOD)

    [model] = (await field.run(field.bench("dalle-3-std", runs=3, before=before))).models
    assert (model.answered, model.errors) == (1, {"storage_error": 2})
    assert calls == 2


async def test_a_call_that_could_not_be_written_down_is_not_made_again(field: Range) -> None:
    """It was drawn and billed, and only its end is unknown here: its idempotency key does not draw it again."""
    bench, key = field.bench("dalle-3-std"), Key("", "key", "body")
    async with open_service(bench.settings, bench.catalog, bench.clock, None, bench.transport) as service:
        spoil(field, BREAK)
        first = await service.studio.answer(Job(ImageRequest(FOX), model="dalle-3-std"), key)
        with pytest.raises(UpstreamTimeoutError, match="may have been billed"):
            await service.studio.answer(Job(ImageRequest(FOX), model="dalle-3-std"), key)
    assert first.error is not None
    assert first.error.detail.code == "storage_error"
    assert field.sandbox.ledger.totals["calls"] == 1
