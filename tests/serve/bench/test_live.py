"""Live figures are read beside the service, from a file that may be anything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from serve.bench.live import read_live_stats
from serve.errors import StoreError
from serve.store import RequestRecord, Store


async def test_the_service_need_not_stop(tmp_path: Path) -> None:
    """With the store open and locked, its figures are those of the last commit, and it goes on writing."""
    path = tmp_path / "gateway.db"
    async with Store.open(path) as store:
        await store.begin(RequestRecord("one", 100.0, sandbox=True))
        assert read_live_stats(path) == await store.stats()
        await store.begin(RequestRecord("two", 200.0))
        for since, sandbox in ((150.0, None), (None, True), (0.0, False)):
            assert read_live_stats(path, since, sandbox) == await store.stats(since, sandbox)
        assert read_live_stats(path).totals.requests == 2


def test_where_nothing_was_served_nothing_is_made(tmp_path: Path) -> None:
    """The message says what to do, and no empty file is left for the next to stumble over."""
    with pytest.raises(StoreError, match="no traffic yet; serve or bench first"):
        read_live_stats(tmp_path / "gateway.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("schema", "told"), [(99, "install a later one"), (0, "start the service once")])
def test_a_file_of_another_version_is_refused(tmp_path: Path, schema: int, told: str) -> None:
    """Its tables may mean something else."""
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"PRAGMA user_version = {schema}")
        file.execute("CREATE TABLE other (id)")
    with pytest.raises(StoreError, match=told):
        read_live_stats(path)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """Not SQLite's own words."""
    path = tmp_path / "gateway.db"
    path.write_bytes(b"no database, and long enough to have a header that is none" * 20)
    with pytest.raises(StoreError, match="cannot be read"):
        read_live_stats(path)
