"""Connections and their transactions: all or nothing, one moment, one query at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from serve.errors import StoreError
from serve.store import Store
from serve.store.connections import READERS, Readers, change, open_writer, turn_on_wal
from tests.serve.store.conftest import Life


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Connection]:
    """The writer of a file with a table of numbers, under write-ahead logging."""
    with closing(open_writer(tmp_path / "file.db", 0.05)) as connection:
        turn_on_wal(connection)
        connection.execute("CREATE TABLE numbers (x UNIQUE)")
        yield connection


@pytest.fixture
def readers(tmp_path: Path, writer: Connection) -> Iterator[Readers]:
    """The readers of the same file."""
    with closing(Readers(tmp_path / "file.db", 0.05)) as opened:
        yield opened


def _insert_and_raise(connection: Connection, error: type[BaseException]) -> None:
    connection.execute("INSERT INTO numbers VALUES (1)")
    raise error


def _count(connection: Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM numbers").fetchone()[0])


def test_a_change_is_made_as_a_whole_or_not_at_all(writer: Connection) -> None:
    """Also where it is broken off from outside; afterwards the connection can be used."""
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), change(writer):
            _insert_and_raise(writer, error)
    assert _count(writer) == 0

    with change(writer):
        writer.execute("INSERT INTO numbers VALUES (1)")
    assert _count(writer) == 1


def test_a_rollback_that_fails_hides_no_error(writer: Connection) -> None:
    """SQLite has rolled back by itself, as on a full disk: the error of the statement is told."""
    writer.execute("INSERT INTO numbers VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), change(writer):
        writer.execute("INSERT OR ROLLBACK INTO numbers VALUES (1)")
    with change(writer):
        writer.execute("INSERT INTO numbers VALUES (2)")
    assert _count(writer) == 2


def test_a_commit_that_fails_leaves_nothing_open(writer: Connection) -> None:
    """A foreign key that is checked at the end: nothing of the change is kept, and the next one can begin."""
    writer.execute("CREATE TABLE signs (of REFERENCES numbers (x) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), change(writer):
        writer.execute("INSERT INTO signs VALUES (7)")
    with change(writer):
        writer.execute("INSERT INTO numbers VALUES (7)")
        writer.execute("INSERT INTO signs VALUES (7)")
    assert [sign for (sign,) in writer.execute("SELECT of FROM signs")] == [7]


def test_a_reader_sees_one_moment_and_changes_nothing(writer: Connection, readers: Readers) -> None:
    """What is committed meanwhile it sees the next time."""
    with readers.lend() as reader:
        assert _count(reader) == 0
        with change(writer):
            writer.execute("INSERT INTO numbers VALUES (1)")
        assert _count(reader) == 0
    with readers.lend() as reader:
        assert _count(reader) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("INSERT INTO numbers VALUES (2)")
    assert _count(writer) == 1


def test_no_two_queries_share_a_connection(readers: Readers) -> None:
    """One more than there are waits, and gets the one that is given back; a query that failed gives back its own."""
    got: list[Connection] = []

    def query() -> None:
        with readers.lend() as reader:
            got.append(reader)

    with readers.lend() as one, ExitStack() as rest:
        lent = [one, *(rest.enter_context(readers.lend()) for _ in range(READERS - 1))]
        assert len(set(map(id, lent))) == READERS
        waiting = threading.Thread(target=query)
        waiting.start()
        waiting.join(0.05)
        assert not got
        rest.close()
        waiting.join(30)
        assert got
        assert got[0] is not one
    with pytest.raises(ValueError), readers.lend():
        raise ValueError
    query()


async def test_a_query_after_the_end_is_an_error_and_does_not_wait(path: Path) -> None:
    """The store says that it cannot be read."""
    async with Store.open(path) as store:
        await Life(store).begin("r")
    for _ in range(READERS + 1):
        with pytest.raises(StoreError, match="cannot be read"):
            await store.stats()
