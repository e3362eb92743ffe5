"""The store as the service sees it: await a write and it is kept, await a read and it is true.

Whoever awaits a write has it committed, with all that was written before. `attempt_sent` is awaited before a vendor
is called and `finish` before the caller is answered; then a process that dies anywhere leaves nothing answered and
forgotten, and nothing billed that the file does not know of.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Self, TypeVar

import anyio.to_thread
from anyio import CancelScope, CapacityLimiter

from serve.errors import StoreError
from serve.store import claims, opinions, reads, stats_query, writes
from serve.store.connections import READERS, Readers, change, open_writer, turn_on_wal
from serve.store.lock import owned
from serve.store.records import (
    AttemptEnd,
    AttemptStart,
    Claim,
    FeedbackRecord,
    ImageRecord,
    LedgerEntry,
    RequestEnd,
    RequestRecord,
)
from serve.store.schema import prepare
from serve.store.statistics import Stats
from serve.store.writer import Writer, Written

BUSY_S = 5.0
# Within one transaction: the dead first, then keys, then a request's life in its order.
_ORDER = (
    writes.recover,
    claims.release,
    claims.claim,
    writes.begin,
    writes.attempt_sent,
    writes.attempt_ended,
    writes.finish,
    opinions.give_feedback,
)
R = TypeVar("R")


class Store:
    """Requests, attempts, images, keys and feedback in one SQLite file. Get one from `Store.open`.

    Any method may raise StoreError: SQLite cannot write or read, or the records contradict each other.
    """

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._limiter = CapacityLimiter(READERS)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, busy_s: float = BUSY_S) -> AsyncIterator[Self]:
        """The store in the file at `path`, made if it is not there; closed with everything in it committed.

        `busy_s` is how long a write waits while another program (a backup, a shell) holds the file.

        Raises:
            StoreError: the file is newer than this version, another program's, damaged, not writable, or in use by
                another process; the message says what to do.
        """
        file = _opened(path, busy_s)
        connection, readers = await anyio.to_thread.run_sync(file.__enter__)
        writer = Writer(connection, _ORDER, busy_s)
        try:
            yield cls(writer, readers)
        finally:
            with CancelScope(shield=True):
                await writer.close()
                await anyio.to_thread.run_sync(file.__exit__, None, None, None)

    def begin(self, record: RequestRecord) -> Written[None]:
        """The request is running. Its attempts and its end are written after this, if nobody awaits it together."""
        return self._writer.write(writes.begin, record)

    async def attempt_sent(self, start: AttemptStart) -> None:
        """The attempt is about to be sent: from now on billed "unknown". Before the vendor is called."""
        await self._writer.write(writes.attempt_sent, start)

    async def attempt_ended(self, attempt_id: str, end: AttemptEnd) -> None:
        """How the attempt ended. StoreError if it was not sent, or has ended already."""
        await self._writer.write(writes.attempt_ended, (attempt_id, end))

    async def finish(self, request_id: str, end: RequestEnd) -> None:
        """The request's answer, its images and late ends, in one transaction. StoreError if it is not running."""
        await self._writer.write(writes.finish, (request_id, end))

    async def recover(self, now: float) -> int:
        """Once, before the first request: what still runs belonged to a process that died.

        Such requests become "lost", their attempts without an end "outcome_unknown" and stay billed "unknown". Keys of
        requests that never began, and keys past their time, are free again. Returns how many requests were lost.
        """
        return await self._writer.write(writes.recover, now)

    async def claim(self, key: str, caller: str, fingerprint: str, request_id: str, now: float, ttl_s: float) -> Claim:
        """What a request with an idempotency key may do; with `Fresh` the key is its own for `ttl_s` seconds.

        A running request keeps its key beyond that. Who got `Fresh` and then does not `begin` has to `release`.
        """
        wanted = claims.ClaimRequest(key, caller, fingerprint, request_id, now, ttl_s)
        return await self._writer.write(claims.claim, wanted)

    async def release(self, key: str, caller: str, request_id: str) -> bool:
        """Free the key if it is still `request_id`'s, and say whether it was.

        Of many that find the same request lost and release and claim again, one gets `Fresh`.
        """
        return await self._writer.write(claims.release, claims.Release(key, caller, request_id))

    async def feedback(self, record: FeedbackRecord) -> None:
        """Keep what a caller says. NotFoundError if there is no such image or request."""
        await self._writer.write(opinions.give_feedback, record)

    async def image(self, image_id: str) -> ImageRecord | None:
        """The picture with this id, if there is one."""
        return await self._read(lambda connection: reads.image(connection, image_id))

    async def stats(
        self, since: float | None = None, sandbox: bool | None = None, target_ms: float = stats_query.TARGET_MS
    ) -> Stats:
        """The figures of the requests that came in since `since`, to the sandbox or to vendors; None is any."""
        return await self._read(lambda connection: stats_query.read_stats(connection, since, sandbox, target_ms))

    async def ledger(self, limit: int, since: float | None = None, sandbox: bool | None = None) -> list[LedgerEntry]:
        """The last `limit` attempts sent since `since`, to the sandbox or to vendors, the newest first; None is any."""
        return await self._read(lambda connection: reads.ledger(connection, limit, since, sandbox))

    async def _read(self, query: Callable[[Connection], R]) -> R:
        def run() -> R:
            try:
                with self._readers.lend() as connection:
                    return query(connection)
            except sqlite3.Error as error:
                raise StoreError("the store cannot be read: see that the disk and the file are in order") from error

        return await anyio.to_thread.run_sync(run, limiter=self._limiter)


@contextmanager
def _opened(path: Path, busy_s: float) -> Iterator[tuple[Connection, Readers]]:
    """The file locked and brought up to date, and the connections to it: one that writes, and those that read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with owned(path), closing(open_writer(path, busy_s)) as writer:
            with change(writer):
                prepare(writer, path.name)
            turn_on_wal(writer)
            # Closed before the writer, which as the last one takes the log into the file.
            with closing(Readers(path, busy_s)) as readers:
                yield writer, readers
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"{path.name} cannot be opened ({error}): see that it is a file this user may write"
        ) from error
