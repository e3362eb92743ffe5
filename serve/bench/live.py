"""The figures of live traffic, read beside the service that writes them.

The store belongs to one process, which holds its lock; but readers neither need the lock nor disturb the writer (see
`serve.store.engines`), so nobody has to stop for this.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from serve.errors import StoreError
from serve.store import Stats
from serve.store.engines import reading_engine
from serve.store.schema import SCHEMA
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
    engine = reading_engine(path, BUSY_S)
    try:
        with engine.connect() as connection:
            _check(connection, path)
            return read_stats(connection, since, sandbox, TARGET_MS)
    except SQLAlchemyError as error:
        raise StoreError(f"{path}: cannot be read: see that it is the service's own file, and in order") from error
    finally:
        engine.dispose()


def _check(connection: Connection, path: Path) -> None:
    found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if found > SCHEMA:
        raise StoreError(f"{path}: has schema {found}, and this version knows {SCHEMA} at most: install a later one")
    if found < SCHEMA:
        raise StoreError(f"{path}: has schema {found}, this version reads {SCHEMA}: start the service once")
