"""The file: made, brought up to date, refused, owned by one process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from serve.errors import StoreError
from serve.store import Store
from serve.store.connections import change, open_writer
from serve.store.schema import SCHEMA, prepare
from tests.serve.store.conftest import Life


def _sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            answer = connection.execute(statement).fetchall()
        return answer


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


async def _open(path: Path) -> None:
    async with Store.open(path, busy_s=0.05):
        pass


async def test_a_new_file_has_the_number_and_survives_kills(path: Path) -> None:
    """Schema 1, under write-ahead logging; and it can be opened again."""
    await _open(path)
    await _open(path)

    assert _sql(path, "PRAGMA user_version") == [(SCHEMA,)]
    assert _sql(path, "PRAGMA journal_mode") == [("wal",)]


async def test_a_newer_file_is_refused_and_left_as_it_is(path: Path) -> None:
    """The message names both numbers and says what to do."""
    await _open(path)
    _sql(path, "PRAGMA user_version = 7")
    before = _bytes(path)

    with pytest.raises(StoreError, match=r"gateway\.db has schema 7.*knows 1 at most: install .* or set PROMPT_INTENT"):
        await _open(path)
    assert _bytes(path) == before


async def test_another_programs_files_are_refused(path: Path) -> None:
    """A foreign database, a file that is none, a folder: each named, none touched."""
    path.parent.mkdir()
    _sql(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program: move it away"):
        await _open(path)
    assert _sql(path, "SELECT name FROM sqlite_master") == [("theirs",)]

    no_database = path.with_name("text.db")
    no_database.write_text("x" * 5000)
    with pytest.raises(StoreError, match=r"text\.db cannot be opened"):
        await _open(no_database)
    with pytest.raises(StoreError, match="home cannot be opened"):
        await _open(path.parent)
    with pytest.raises(StoreError, match=r"below\.db cannot be opened"):
        await _open(no_database / "below.db")


def _remembering(number: int, seen: list[int]) -> object:
    def step(connection: Connection) -> None:
        connection.execute(f"CREATE TABLE came_with_{number + 1} (x)")
        seen.append(number)

    return step


async def test_an_older_file_takes_the_steps_in_order(path: Path) -> None:
    """From its own number to ours; the next time there is nothing to do."""
    await _open(path)
    seen: list[int] = []
    steps = {number: _remembering(number, seen) for number in (3, 1, 2)}

    with closing(open_writer(path, 1)) as connection:
        for _ in range(2):
            with change(connection):
                prepare(connection, path.name, 4, steps)  # type: ignore[arg-type]
            assert seen == [1, 2, 3]
    assert _sql(path, "PRAGMA user_version") == [(4,)]


async def test_steps_are_taken_all_or_none(path: Path) -> None:
    """When one fails, the file is as it was, number and tables."""
    await _open(path)

    def fail(_: Connection) -> None:
        raise StoreError("no")

    with closing(open_writer(path, 1)) as connection, pytest.raises(StoreError, match="no"), change(connection):
        prepare(connection, path.name, 3, {1: _remembering(1, []), 2: fail})  # type: ignore[dict-item]
    assert _sql(path, "PRAGMA user_version") == [(1,)]
    assert not _sql(path, "SELECT 1 FROM sqlite_master WHERE name = 'came_with_2'")


async def test_a_second_owner_is_refused_at_once(path: Path) -> None:
    """Also within one process; when the first is done the file is free."""
    async with Store.open(path) as store:
        await Life(store).begin("r")
        with pytest.raises(StoreError, match=r"gateway\.db is in use by another process: stop that one"):
            await _open(path)
        await Life(store).finish("r")
    await _open(path)


async def test_a_store_that_could_not_be_opened_is_not_owned(path: Path) -> None:
    """A refused file can be put right and opened without a restart."""
    await _open(path)
    _sql(path, "PRAGMA user_version = 7")
    with pytest.raises(StoreError):
        await _open(path)
    _sql(path, "PRAGMA user_version = 1")
    await _open(path)


async def test_what_was_written_is_there_after_closing(path: Path) -> None:
    """Closing commits; no log is left beside the file."""
    async with Store.open(path) as store:
        await Life(store).begin("r")
    assert _sql(path, "SELECT id, state FROM requests") == [("r", "running")]
    assert not path.with_name("gateway.db-wal").exists()
