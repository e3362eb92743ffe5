"""The writer: many writes in one transaction, each caller answered after the commit and for itself."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection

import pytest

from serve.errors import StoreError
from serve.store import RequestRecord, Store
from serve.store.connections import open_writer, turn_on_wal
from serve.store.writer import Writer
from tests.serve.store.conftest import NOW, Life


class Ledger:
    """An operation that inserts numbers; it remembers how many came at once and where, and dawdles when it is told."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.on_the_loop: list[bool] = []
        self.dawdle_s = 0.0

    def insert(self, connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
        time.sleep(self.dawdle_s)
        self.batches.append(len(numbers))
        self.on_the_loop.append(threading.current_thread() is threading.main_thread())
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
        turn_on_wal(connection)
        connection.execute("CREATE TABLE numbers (x)")
        running = Writer(connection, (ledger.insert,), 30)
        yield running
        await running.close()


def _numbers(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT x FROM numbers ORDER BY x")]


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Another program writes to the file."""
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        yield


def _asked(writer: Writer, ledger: Ledger, numbers: Iterable[int]) -> list[asyncio.Future[int]]:
    return [asyncio.ensure_future(writer.write(ledger.insert, number)) for number in numbers]


async def test_what_waits_together_is_committed_together(writer: Writer, ledger: Ledger, path: Path) -> None:
    """Sixty-four writes of one turn of the loop are one transaction, and no thread is asked."""
    assert await asyncio.gather(*_asked(writer, ledger, range(64))) == [number * 10 for number in range(64)]
    assert ledger.batches == [64]
    assert ledger.on_the_loop == [True]
    assert _numbers(path) == list(range(64))


async def test_the_loop_goes_on_while_another_program_holds_the_file(
    writer: Writer, ledger: Ledger, path: Path
) -> None:
    """What comes meanwhile gathers, and is one transaction once the file is free."""
    with _held(path):
        first = _asked(writer, ledger, [0])
        await asyncio.sleep(0.01)
        rest = _asked(writer, ledger, range(1, 65))
        await asyncio.sleep(0.05)
        assert not any(asked.done() for asked in first + rest)

    assert await asyncio.wait_for(asyncio.gather(*first, *rest), 30) == [number * 10 for number in range(65)]
    assert ledger.batches == [1, 64]
    assert _numbers(path) == list(range(65))


async def test_a_slow_disk_is_waited_for_in_the_thread(writer: Writer, ledger: Ledger) -> None:
    """The loop notices once, and stays free until it is quick again."""
    ledger.dawdle_s = 0.05
    await writer.write(ledger.insert, 1)
    await writer.write(ledger.insert, 2)
    assert ledger.on_the_loop == [True, False]
    ledger.dawdle_s = 0.0
    for number in range(3, 100):
        await writer.write(ledger.insert, number)
    assert any(ledger.on_the_loop[2:])


async def test_the_log_does_not_grow_for_ever(writer: Writer, ledger: Ledger, path: Path) -> None:
    """It is taken into the file every few hundred writes, in the thread, and then written over."""
    for number in range(2000):
        await writer.write(ledger.insert, number)
    assert path.with_name(f"{path.name}-wal").stat().st_size < 400 * 4200
    assert not all(ledger.on_the_loop)
    assert _numbers(path) == list(range(2000))


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
    with _held(path):
        gone, staying = _asked(writer, ledger, (1, 2))
        await asyncio.sleep(0.01)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone

    assert await asyncio.wait_for(staying, 30) == 20
    assert _numbers(path) == [1, 2]


async def test_closing_commits_what_is_queued_and_ends_it(writer: Writer, ledger: Ledger, path: Path) -> None:
    """Also what the thread has and what gathers behind it. A later write is refused, not kept waiting."""
    with _held(path):
        asked = _asked(writer, ledger, range(3))
        await asyncio.sleep(0.01)
        asked += _asked(writer, ledger, range(3, 6))
        await asyncio.sleep(0)
        closing_it = asyncio.ensure_future(writer.close())
        await asyncio.sleep(0)
    await asyncio.wait_for(closing_it, 30)

    assert await asyncio.gather(*asked) == [0, 10, 20, 30, 40, 50]
    assert _numbers(path) == [0, 1, 2, 3, 4, 5]
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
