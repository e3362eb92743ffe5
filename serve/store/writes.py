"""What the writer does with requests and attempts: each function takes many records of one kind.

An end is written only over a beginning that has none yet: an answer that was kept is never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from sqlite3 import Connection
from typing import Any

from serve.errors import StoreError
from serve.store.records import OUTCOME_UNKNOWN, SENT, AttemptEnd, AttemptStart, ImageRecord, RequestEnd, RequestRecord
from serve.store.tables import micro_dollars

# Values go in by their places: by name each costs a look into a dictionary.
_request = attrgetter("id", "created", "caller", "intent", "asked", "n", "sandbox")
_attempt = attrgetter("id", "request_id", "number", "model", "row", "vendor_model", "provider", "sent")
_attempt_end = attrgetter("outcome", "status", "ms", "billed")
_end = attrgetter("http_status", "latency_ms", "ended", "error_code", "row", "intent")
_image = attrgetter(
    "id", "request_id", "model", "intent", "media_type", "width", "height", "request", "created", "parent_id"
)

_BEGIN = """
INSERT INTO requests (id, created, caller, intent, asked, n, sandbox, state)
VALUES (?, ?, ?, ?, ?, ?, ?, 'running')
"""
_SEND = """
INSERT INTO attempts
    (id, request_id, number, model, "row", vendor_model, provider, sent, cost_micro_usd, outcome, billed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'sent', 'unknown')
"""
_END_ATTEMPT = """
UPDATE attempts SET outcome = ?, status = ?, ms = ?, billed = ?, cost_micro_usd = ?
WHERE id = ? AND outcome = 'sent'
"""
_END_REQUEST = """
UPDATE requests
SET http_status = ?, latency_ms = ?, ended = ?, error_code = ?, "row" = ?, intent = coalesce(?, intent), state = ?
WHERE id = ? AND state = 'running'
"""
_KEEP_IMAGE = """
INSERT INTO images (id, request_id, model, intent, media_type, width, height, request, created, parent_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_KEEP_ANSWER = "UPDATE idempotency SET answer = ? WHERE request_id = ?"
_FORGET_KEY = "DELETE FROM idempotency WHERE request_id = ?"
_GIVE_UP_ATTEMPTS = "UPDATE attempts SET outcome = :unknown WHERE outcome = :sent"
_GIVE_UP_REQUESTS = """
UPDATE requests SET state = 'lost', ended = :now, error_code = 'lost' WHERE state = 'running'
"""
# A key whose request never began: no vendor was called for it. And keys that are past their time.
_FREE_KEYS = """
DELETE FROM idempotency
WHERE NOT EXISTS (SELECT 1 FROM requests WHERE requests.id = idempotency.request_id) OR expires <= :now
"""


def begin(connection: Connection, records: Sequence[RequestRecord]) -> Sequence[None]:
    """A running request each."""
    connection.executemany(_BEGIN, map(_request, records))
    return [None] * len(records)


def attempt_sent(connection: Connection, starts: Sequence[AttemptStart]) -> Sequence[None]:
    """An attempt each, which from now on may have been billed."""
    connection.executemany(_SEND, [(*_attempt(start), micro_dollars(start.cost_usd)) for start in starts])
    return [None] * len(starts)


def attempt_ended(connection: Connection, ends: Sequence[tuple[str, AttemptEnd]]) -> Sequence[None]:
    """The end of the attempt with each id.

    Raises:
        StoreError: one of the attempts was not sent, or has ended already.
    """
    rows = [(*_attempt_end(end), micro_dollars(end.cost_usd), attempt_id) for attempt_id, end in ends]
    _change_each(connection, _END_ATTEMPT, rows, "an attempt ended that is not under way")
    return [None] * len(ends)


def finish(connection: Connection, ends: Sequence[tuple[str, RequestEnd]]) -> Sequence[None]:
    """The end of the request with each id, its images, the late ends of its attempts, and what becomes of its key.

    Raises:
        StoreError: one of the requests or attempts did not begin, or has ended already.
    """
    rows = [(*_end(end), _state(end), request_id) for request_id, end in ends]
    _change_each(connection, _END_REQUEST, rows, "a request ended that is not running")
    for_each = connection.executemany
    if answers := [(end.answer, i) for i, end in ends if end.answer is not None]:
        for_each(_KEEP_ANSWER, answers)
    if forgotten := [(i,) for i, end in ends if end.forget_key]:
        for_each(_FORGET_KEY, forgotten)
    if drawn := [_own(i, image) for i, end in ends for image in end.images]:
        for_each(_KEEP_IMAGE, drawn)
    if late := [attempt for _, end in ends for attempt in end.late_ends]:
        attempt_ended(connection, late)
    return [None] * len(ends)


def recover(connection: Connection, nows: Sequence[float]) -> Sequence[int]:
    """Whatever runs belongs to a dead process. The number of requests that are lost by it."""
    return [_recover(connection, now) for now in nows]


def _recover(connection: Connection, now: float) -> int:
    connection.execute(_GIVE_UP_ATTEMPTS, {"unknown": OUTCOME_UNKNOWN, "sent": SENT})
    lost = connection.execute(_GIVE_UP_REQUESTS, {"now": now})
    connection.execute(_FREE_KEYS, {"now": now})
    return lost.rowcount


def _change_each(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]], wrong: str) -> None:
    if connection.executemany(statement, rows).rowcount != len(rows):
        raise StoreError(f"{wrong}: this is a bug, please report it")


def _state(end: RequestEnd) -> str:
    return "done" if end.error_code is None else "failed"


def _own(request_id: str, image: ImageRecord) -> tuple[Any, ...]:
    if image.request_id != request_id:
        raise StoreError("an image of another request: this is a bug, please report it")
    values: tuple[Any, ...] = _image(image)
    return values
