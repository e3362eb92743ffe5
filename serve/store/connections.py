"""Connections to one SQLite file, one that writes and a few that only read, and the transactions on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from sqlite3 import Connection

READERS = 2


def open_writer(path: Path, busy_s: float) -> Connection:
    """The one connection that may change the file. `busy_s`: how long it waits for another program's lock."""
    return _connected(path, busy_s, "PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON")


def open_reader(path: Path, busy_s: float) -> Connection:
    """A connection that cannot change the file; under WAL it neither waits for the writer nor holds it up."""
    return _connected(path, busy_s, "PRAGMA query_only = ON")


def turn_on_wal(writer: Connection) -> None:
    """Write-ahead logging, a lasting property of the file; outside any transaction.

    With WAL and synchronous = NORMAL a committed transaction is in the operating system's hands: no kill of this
    process, at any point, takes it back, and a transaction is there as a whole or not at all. Only checkpoints wait for
    the disk. What a power cut may take is the last transactions, never the file's consistency.
    """
    writer.execute("PRAGMA journal_mode = WAL")


def change(writer: Connection) -> AbstractContextManager[None]:
    """What the block writes is committed at its end, all of it; or none of it, where the block or the commit fails."""
    # IMMEDIATE takes the write lock at the start: a transaction that began cannot find the file locked half-way.
    return _transaction(writer, "BEGIN IMMEDIATE")


def be_quick(writer: Connection) -> None:
    """From now on no change waits for another program's lock or for the disk: see `patience` and `checkpoint`."""
    writer.execute("PRAGMA busy_timeout = 0")
    writer.execute("PRAGMA wal_autocheckpoint = 0")


@contextmanager
def patience(writer: Connection, busy_s: float) -> Iterator[None]:
    """Within the block a change waits so long, in seconds, for another program's lock; after it, not at all."""
    writer.execute(f"PRAGMA busy_timeout = {busy_s * 1000:.0f}")
    try:
        yield
    finally:
        writer.execute("PRAGMA busy_timeout = 0")


def checkpoint(writer: Connection) -> None:
    """Take the log into the file, which waits for the disk. What hinders it hinders nothing else: the log grows on."""
    with suppress(sqlite3.OperationalError):
        writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def snapshot(reader: Connection) -> AbstractContextManager[None]:
    """All that the block reads is of one moment, whatever is committed meanwhile."""
    return _transaction(reader, "BEGIN")


class Readers:
    """Connections that only read, `READERS` of them, each lent to one query at a time."""

    def __init__(self, path: Path, busy_s: float) -> None:
        self._free: SimpleQueue[Connection] = SimpleQueue()
        with ExitStack() as opened:
            for _ in range(READERS):
                self._free.put(opened.enter_context(closing(open_reader(path, busy_s))))
            opened.pop_all()

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """One of them, for a snapshot. Waits until one is free."""
        reader = self._free.get()
        try:
            with snapshot(reader):
                yield reader
        finally:
            self._free.put(reader)

    def close(self) -> None:
        """Close them, each after the query that it may be lent to."""
        readers = [self._free.get() for _ in range(READERS)]
        for reader in readers:
            reader.close()
            # A query that comes too late shall have SQLite's error, and not wait for ever.
            self._free.put(reader)


def _connected(path: Path, busy_s: float, *pragmas: str) -> Connection:
    # Threads take turns with it. Without a level, sqlite3 starts no transaction by rules of its own.
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in pragmas:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(connection: Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors SQLite has rolled back already, and refuses to do it again: the first error is to be told.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
