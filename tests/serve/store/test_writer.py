"""The thread that writes: many writes in one transaction, each caller answered after the commit and for itself."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from threading import Event

import pytest

from serve.errors import StoreError
from serve.store import RequestRecord, Store
from serve.store.connections import open_writer
from serve.store.writer import Writer
from tests.serve.store.conftest import NOW, Life


class Ledger:
    """An operation that inserts numbers; it remembers how many came at once, and waits when it is told to."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = Event()
        self.go.set()

    def insert(self, connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
        assert self.go.wait(30)
        self.batches.append(len(numbers))
        for number in numbers:
            if number < 0:
                raise ValueError(f"{number} is negative")
            connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return [number * 10 for number in numbers]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def writer(path: Path, ledger: Ledger) -> AsyncIterator[Writer]:
    path.parent.mkdir()
    with closing(open_writer(path, 0.05)) as connection:
        connection.execute("CREATE TABLE numbers (x)")
        running = Writer(connection, (ledger.insert,))
        yield running
        await running.close()


def _numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT x FROM numbers ORDER BY x")]


async def test_what_waits_together_is_committed_together(writer: Writer, ledger: Ledger, path: Path) -> None:
    """While one transaction is under way 64 writes gather, and the next one takes them all."""
    ledger.go.clear()
    first = asyncio.ensure_future(writer.write(ledger.insert, 0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.ensure_future(writer.write(ledger.insert, number)) for number in range(1, 65)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ledger.go.set()

    assert await first == 0
    assert await asyncio.gather(*rest) == [number * 10 for number in range(1, 65)]
    assert sum(ledger.batches) == 65
    assert len(ledger.batches) <= 2
    assert _numbers(path) == list(range(65))


async def test_a_caller_goes_on_after_the_commit(writer: Writer, ledger: Ledger, path: Path) -> None:
    """What was awaited is seen by another connection."""
    for number in range(5):
        await writer.write(ledger.insert, number)
        assert _numbers(path) == list(range(number + 1))


async def test_a_bad_write_spoils_no_other(writer: Writer, ledger: Ledger, path: Path) -> None:
    """Of a batch with bad ones, those fail and the others are written, once."""
    answers = await asyncio.gather(
        *(writer.write(ledger.insert, number) for number in (1, -2, 3, -4, 5)), return_exceptions=True
    )

    assert [isinstance(answer, StoreError) for answer in answers] == [False, True, False, True, False]
    assert _numbers(path) == [1, 3, 5]


async def test_a_cancelled_caller_leaves_its_write(writer: Writer, ledger: Ledger, path: Path) -> None:
    """Once asked for it is written; whoever waits in the same transaction is answered."""
    ledger.go.clear()
    gone, staying = (asyncio.ensure_future(writer.write(ledger.insert, number)) for number in (1, 2))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    ledger.go.set()

    assert await asyncio.wait_for(staying, 30) == 20
    assert _numbers(path) == [1, 2]


async def test_closing_commits_what_is_queued_and_ends_it(writer: Writer, ledger: Ledger, path: Path) -> None:
    """A later write is refused, not kept waiting."""
    tasks = [asyncio.ensure_future(writer.write(ledger.insert, number)) for number in range(3)]
    await asyncio.sleep(0)
    await writer.close()

    assert await asyncio.gather(*tasks) == [0, 10, 20]
    assert _numbers(path) == [0, 1, 2]
    with pytest.raises(StoreError, match="closed"):
        await writer.write(ledger.insert, 3)


async def test_a_file_locked_by_another_program_is_an_error_and_no_end(path: Path) -> None:
    """The write fails and says why; when the lock is gone the next one is written."""
    async with Store.open(path, busy_s=0.01) as store:
        with closing(sqlite3.connect(path)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"cannot be written .*locked"):
                await store.begin(RequestRecord("r", NOW))
        await store.begin(RequestRecord("r", NOW))
        await Life(store).finish("r")


async def test_text_that_no_file_can_hold_is_refused(life: Life) -> None:
    """Half a character, a number that is none: an error to that caller, and all goes on."""
    for record in (RequestRecord("\ud800", NOW), RequestRecord("r", float("nan")), RequestRecord("r", NOW, n=2**70)):
        with pytest.raises(StoreError, match="refused a record"):
            await life.begin(record.id, created=record.created, n=record.n)
    await life.begin("r")


async def test_a_write_nobody_waits_for_goes_with_the_next(writer: Writer, ledger: Ledger, path: Path) -> None:
    """In its transaction, and before it."""
    writer.write(ledger.insert, 1)
    assert await writer.write(ledger.insert, 2) == 20
    assert ledger.batches == [2]
    assert _numbers(path) == [1, 2]


async def test_a_write_nobody_waits_for_does_not_stay_behind(writer: Writer, ledger: Ledger, path: Path) -> None:
    """Where no other comes it is written in a moment, and once."""
    writer.write(ledger.insert, 1)
    for _ in range(3000):
        if _numbers(path):
            break
        await asyncio.sleep(0.01)
    assert _numbers(path) == [1]
