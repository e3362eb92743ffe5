"""Writes that wait together are one transaction, made at the end of the event loop's turn, on the loop itself.

A commit takes some hundred microseconds and asks the disk for nothing; a turn to a thread and back costs more than
that. Whatever would take longer is done in a thread instead, and what comes meanwhile waits for it: another program
holds the file, a write of the batch is no good, the disk was slow the last time, or the log is due to be taken into the
file. Whoever waits for a write goes on after the commit, never before. A write that nobody waits for goes with the next
that somebody does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter
from sqlite3 import Connection, OperationalError
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

from serve.errors import ServiceError, StoreError
from serve.store.connections import be_quick, change, checkpoint, patience

# The longest, in seconds, that a write nobody waits for stays here when there is no other.
_LINGER_S = 0.05
# A transaction of 64 writes takes some 3 ms. After one that took so long, in seconds, the next is made in the thread.
_SLOW_S = 0.02
# As much as SQLite lets its log grow before it takes it into the file: a thousand pages, of which a transaction changes
# some four, and each of its writes one more.
_PAGES_A_CHECKPOINT = 1000
_PAGES_A_TRANSACTION = 4
P = TypeVar("P")
R = TypeVar("R")
Operation = Callable[[Connection, Sequence[P]], Sequence[R]]
"""Writes many payloads of one kind at once: one result a payload, in order. Raises as soon as one is no good."""


class _Job(NamedTuple):
    rank: int
    operation: Operation[Any, Any]
    payload: Any
    answer: asyncio.Future[Any]


class _Outcome(NamedTuple):
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
    """Runs operations on `connection`, which nobody else uses. `busy_s`: how long it waits for another program's lock.

    `order` ranks the operations within one transaction: writes that wait together may go in any order (each caller
    waits for its own before it asks for the next), and those of one kind side by side are one `executemany`.
    """

    def __init__(self, connection: Connection, order: Sequence[Operation[Any, Any]], busy_s: float) -> None:
        be_quick(connection)
        self._connection = connection
        self._rank = {operation: place for place, operation in enumerate(order)}
        self._busy_s = busy_s
        self._gathered: list[_Job] = []
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "store-writer")
        # The thread's turn, while it has one: the connection is its own until then.
        self._turn: asyncio.Future[list[_Outcome]] | None = None
        self._pages = 0
        self._slow = False
        self._lingering = False
        self._hastened = False
        self._closed = False

    def write(self, operation: Operation[P, R], payload: P) -> Written[R]:
        """Have it done: await the result to have it committed. Who is cancelled meanwhile does not stop the write.

        Raises:
            StoreError: the writer is closed.
        """
        if self._closed:
            raise StoreError("the store is closed: the service is stopping")
        answer: asyncio.Future[R] = self._loop.create_future()
        if not self._lingering:
            self._lingering = True
            self._loop.call_later(_LINGER_S, self._linger_no_more)
        self._gathered.append(_Job(self._rank[operation], operation, payload, answer))
        return Written(answer, self._hasten)

    async def close(self) -> None:
        """Commit what was asked for, then end the thread."""
        self._closed = True
        self._commit()
        while self._turn is not None:
            await asyncio.wait([self._turn])
        self._thread.shutdown()

    def _linger_no_more(self) -> None:
        self._lingering = False
        self._commit()

    def _hasten(self) -> None:
        if self._gathered and not self._hastened:
            self._hastened = True
            self._loop.call_soon(self._commit)

    def _commit(self) -> None:
        """What has gathered, unless the thread has the connection: then it is committed after its turn."""
        self._hastened = False
        if self._turn is not None or not self._gathered:
            return
        jobs, self._gathered = sorted(self._gathered, key=attrgetter("rank")), []
        self._pages += _PAGES_A_TRANSACTION + len(jobs)
        if self._slow or self._pages > _PAGES_A_CHECKPOINT or not (outcomes := self._at_once(jobs)):
            self._turn = self._loop.run_in_executor(self._thread, self._patiently, jobs)
            self._turn.add_done_callback(self._turn_ended)
        else:
            _tell(outcomes)

    def _turn_ended(self, turn: asyncio.Future[list[_Outcome]]) -> None:
        self._turn = None
        _tell(turn.result())
        self._commit()

    def _at_once(self, jobs: list[_Job]) -> list[_Outcome]:
        """The jobs in one transaction that waits for nobody. Whatever is in its way, nothing is done then: []."""
        began = perf_counter()
        try:
            with change(self._connection):
                outcomes = _apply(self._connection, jobs)
        except Exception:  # the thread finds out what it was, and tells it
            return []
        self._slow = perf_counter() - began > _SLOW_S
        return outcomes

    def _patiently(self, jobs: list[_Job]) -> list[_Outcome]:
        """In the thread: wait for who holds the file, find out which job is no good, and take the log into the file."""
        began = perf_counter()
        with patience(self._connection, self._busy_s):
            outcomes = _sorted_out(self._connection, jobs)
        self._slow = perf_counter() - began > _SLOW_S
        checkpoint(self._connection)
        self._pages = 0
        return outcomes


def _sorted_out(connection: Connection, jobs: list[_Job]) -> list[_Outcome]:
    """The jobs in one transaction, or where one of them is no good in one each."""
    try:
        with change(connection):
            return _apply(connection, jobs)
    except OperationalError as error:
        # A full disk or a foreign lock: no job of the batch would fare better alone.
        return [_Outcome(job, error=_told(error)) for job in jobs]
    except Exception as error:
        if len(jobs) == 1:
            return [_Outcome(jobs[0], error=_told(error))]
        return [outcome for job in jobs for outcome in _sorted_out(connection, [job])]


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
