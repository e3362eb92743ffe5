"""One thread writes, and what waits in its queue goes into one transaction.

SQLite has one writer at a time anyway; a thread that owns it never meets a lock, and the event loop pays for a queue
and a future only. Whoever waits for a write goes on after the commit, never before. A write that nobody waits for goes
with the next that somebody does: a turn to the thread and back costs more than what is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from queue import Empty, SimpleQueue
from sqlite3 import Connection, OperationalError
from threading import Thread
from typing import Any, Generic, TypeVar

import anyio.to_thread

from serve.errors import ServiceError, StoreError
from serve.store.connections import change

# The longest, in seconds, that a write nobody waits for stays here when there is no other.
_LINGER_S = 0.05
P = TypeVar("P")
R = TypeVar("R")
Operation = Callable[[Connection, Sequence[P]], Sequence[R]]
"""Writes many payloads of one kind at once: one result a payload, in order. Raises as soon as one is no good."""


@dataclass(frozen=True, slots=True)
class _Job:
    rank: int
    operation: Operation[Any, Any]
    payload: Any
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: _Job
    result: Any = None
    error: Exception | None = None


class Written(Generic[R]):
    """A write on its way. Awaiting it raises what the operation raised, or StoreError: SQLite cannot write."""

    def __init__(self, answer: asyncio.Future[R], hasten: Callable[[], None]) -> None:
        self._answer = answer
        self._hasten = hasten
        # One that nobody awaits has its failure told by what is written after it, which needs it.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    def __await__(self) -> Generator[Any, None, R]:
        """The operation's result, once it is committed."""
        self._hasten()
        return self._answer.__await__()


class Writer:
    """Runs operations on `connection` in a thread of its own, which is the only one to use it.

    `order` ranks the operations within one transaction: writes that wait together may go in any order (each caller
    waits for its own before it asks for the next), and those of one kind side by side are one `executemany`.
    """

    def __init__(self, connection: Connection, order: Sequence[Operation[Any, Any]]) -> None:
        self._connection = connection
        self._rank = {operation: place for place, operation in enumerate(order)}
        self._queue: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._gathered: list[_Job] = []
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._run, name="store-writer", daemon=True)
        self._hastened = False
        self._closed = False
        self._thread.start()

    def write(self, operation: Operation[P, R], payload: P) -> Written[R]:
        """Have it done: await the result to have it committed. Who is cancelled meanwhile does not stop the write.

        Raises:
            StoreError: the writer is closed.
        """
        if self._closed:
            raise StoreError("the store is closed: the service is stopping")
        answer: asyncio.Future[R] = self._loop.create_future()
        if not self._gathered:
            self._loop.call_later(_LINGER_S, self._hand_over)
        self._gathered.append(_Job(self._rank[operation], operation, payload, answer))
        return Written(answer, self._hasten)

    async def close(self) -> None:
        """Commit what is queued, then end the thread."""
        self._closed = True
        self._hand_over()
        self._queue.put(None)
        await anyio.to_thread.run_sync(self._thread.join)

    def _hasten(self) -> None:
        if self._gathered and not self._hastened:
            self._hastened = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._hastened = False
        # At the end of the loop's turn, and all at once: a thread that is woken for each job in the middle of a turn
        # would fight the loop for the interpreter, and commit them one by one.
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        while batch := self._next_batch():
            outcomes = self._commit(sorted(batch, key=attrgetter("rank")))
            # A loop that is gone has nobody waiting in it.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_tell, outcomes)

    def _next_batch(self) -> list[_Job]:
        """All that is queued, at least one job; nothing once the writer is closed."""
        jobs = self._queue.get()
        batch = jobs or []
        with suppress(Empty):
            while jobs is not None:
                jobs = self._queue.get_nowait()
                batch += jobs or []
            if batch:
                self._queue.put(None)
        return batch

    def _commit(self, jobs: list[_Job]) -> list[_Outcome]:
        try:
            with change(self._connection):
                return _apply(self._connection, jobs)
        except OperationalError as error:
            # A full disk or a foreign lock: no job of the batch would fare better alone.
            return [_Outcome(job, error=_told(error)) for job in jobs]
        except Exception as error:
            if len(jobs) == 1:
                return [_Outcome(jobs[0], error=_told(error))]
            # One of them is no good, and nothing of the batch is written: each gets its own transaction.
            return [outcome for job in jobs for outcome in self._commit([job])]


def _apply(connection: Connection, jobs: list[_Job]) -> list[_Outcome]:
    outcomes: list[_Outcome] = []
    for operation, group in groupby(jobs, key=attrgetter("operation")):
        alike = list(group)
        results = operation(connection, [job.payload for job in alike])
        outcomes += [_Outcome(job, result) for job, result in zip(alike, results, strict=True)]
    return outcomes


def _told(error: Exception) -> ServiceError:
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, OperationalError):
        told = StoreError(f"the store cannot be written ({error}): free the disk or end what locks the file")
    else:
        told = StoreError(f"the store refused a record ({type(error).__name__}): this is a bug, please report it")
    told.__cause__ = error
    return told


def _tell(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        answer = outcome.job.answer
        if answer.done():  # its caller was cancelled
            continue
        if outcome.error is None:
            answer.set_result(outcome.result)
        else:
            answer.set_exception(outcome.error)
