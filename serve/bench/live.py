"""The figures of live traffic, read beside the service that writes them.

The store belongs to one process, which holds its lock; but readers neither need the lock nor disturb the writer (see
`serve.store.connections`), so nobody has to stop for this.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from serve.errors import StoreError
from serve.store import Stats
from serve.store.connections import open_reader, snapshot
from serve.store.schema import SCHEMA, number_of
from serve.store.stats_query import TARGET_MS, read_stats
from serve.store.store import BUSY_S


def read_live_stats(path: Path, since: float | None = None, sandbox: bool | None = None) -> Stats:
    """What `Store.stats` says of the file at `path`, whoever has it open; the file is not changed.

    Raises:
        StoreError: there is no such file, it is of another version or another program, or it cannot be read.
    """
    if not path.is_file():
        raise StoreError(
            f"{path}: no traffic yet; serve or bench first, or set PROMPT_INTENT_HOME to the service's folder"
        )
    try:
        with closing(open_reader(path, BUSY_S)) as reader, snapshot(reader):
            _check(number_of(reader), path)
            return read_stats(reader, since, sandbox, TARGET_MS)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read: see that it is the service's own file, and in order") from error


def _check(found: int, path: Path) -> None:
    if found > SCHEMA:
        raise StoreError(f"{path}: has schema {found}, and this version knows {SCHEMA} at most: install a later one")
    if found < SCHEMA:
        raise StoreError(f"{path}: has schema {found}, this version reads {SCHEMA}: start the service once")
