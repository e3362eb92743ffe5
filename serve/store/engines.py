"""SQLAlchemy engines on one SQLite file: one connection that writes, a few that only read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

READERS = 2


def writing_engine(path: Path, busy_s: float) -> Engine:
    """The one connection that may change the file. `busy_s`: how long it waits for another program's lock."""
    # IMMEDIATE takes the write lock at the start: a transaction that began cannot find the file locked half-way.
    return _engine(path, 1, busy_s, "BEGIN IMMEDIATE", ("PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON"))


def reading_engine(path: Path, busy_s: float) -> Engine:
    """Connections that cannot change the file; under WAL they neither wait for the writer nor hold it up."""
    return _engine(path, READERS, busy_s, "BEGIN", ("PRAGMA query_only = ON",))


def turn_on_wal(engine: Engine) -> None:
    """Write-ahead logging, a lasting property of the file; outside any transaction.

    With WAL and synchronous = NORMAL a committed transaction is in the operating system's hands: no kill of this
    process, at any point, takes it back, and a transaction is there as a whole or not at all. Only checkpoints wait for
    the disk. What a power cut may take is the last transactions, never the file's consistency.
    """
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute("PRAGMA journal_mode = WAL")


def _engine(path: Path, connections: int, busy_s: float, begin: str, pragmas: tuple[str, ...]) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), pool_size=connections, max_overflow=0)

    def set_up(driver: Any, _: Any) -> None:
        # Python's sqlite3 would start transactions by rules of its own; `start` below does it instead.
        driver.isolation_level = None
        for pragma in (f"PRAGMA busy_timeout = {round(busy_s * 1000)}", *pragmas):
            driver.execute(pragma)

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", start)
    return engine
