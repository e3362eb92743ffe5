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

_REQUEST = ("id", "created", "caller", "intent", "asked", "n", "sandbox")
_ATTEMPT = ("id", "request_id", "number", "model", "row", "vendor_model", "provider", "sent")
_ATTEMPT_END = ("outcome", "status", "ms", "billed")
_IMAGE = (
    "id", "request_id", "model", "intent", "media_type", "width", "height", "request", "created", "parent_id",
)  # fmt: skip
_END = ("http_status", "latency_ms", "ended", "error_code", "row")

_BEGIN = """
INSERT INTO requests (id, created, caller, intent, asked, n, sandbox, state)
VALUES (:id, :created, :caller, :intent, :asked, :n, :sandbox, 'running')
"""
_SEND = """
INSERT INTO attempts
    (id, request_id, number, model, "row", vendor_model, provider, sent, outcome, billed, cost_micro_usd)
VALUES
    (:id, :request_id, :number, :model, :row, :vendor_model, :provider, :sent, :outcome, 'unknown', :cost_micro_usd)
"""
_END_ATTEMPT = """
UPDATE attempts
SET outcome = :outcome, status = :status, ms = :ms, billed = :billed, cost_micro_usd = :cost_micro_usd
WHERE id = :attempt AND outcome = :sent
"""
_END_REQUEST = """
UPDATE requests
SET state = :state, http_status = :http_status, latency_ms = :latency_ms, ended = :ended, error_code = :error_code,
    "row" = :row, intent = coalesce(:said, intent)
WHERE id = :request AND state = 'running'
"""
_KEEP_IMAGE = """
INSERT INTO images (id, request_id, model, intent, media_type, width, height, request, created, parent_id)
VALUES (:id, :request_id, :model, :intent, :media_type, :width, :height, :request, :created, :parent_id)
"""
_KEEP_ANSWER = "UPDATE idempotency SET answer = :answer WHERE request_id = :request"
_FORGET_KEY = "DELETE FROM idempotency WHERE request_id = :request"
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
    connection.executemany(_BEGIN, [_values(record, _REQUEST) for record in records])
    return [None] * len(records)


def attempt_sent(connection: Connection, starts: Sequence[AttemptStart]) -> Sequence[None]:
    """An attempt each, which from now on may have been billed."""
    connection.executemany(
        _SEND, [_values(start, _ATTEMPT) | {"outcome": SENT} | _cost(start.cost_usd) for start in starts]
    )
    return [None] * len(starts)


def attempt_ended(connection: Connection, ends: Sequence[tuple[str, AttemptEnd]]) -> Sequence[None]:
    """The end of the attempt with each id.

    Raises:
        StoreError: one of the attempts was not sent, or has ended already.
    """
    rows = [
        {"attempt": attempt_id, "sent": SENT, **_values(end, _ATTEMPT_END), **_cost(end.cost_usd)}
        for attempt_id, end in ends
    ]
    _change_each(connection, _END_ATTEMPT, rows, "an attempt ended that is not under way")
    return [None] * len(ends)


def finish(connection: Connection, ends: Sequence[tuple[str, RequestEnd]]) -> Sequence[None]:
    """The end of the request with each id, its images, the late ends of its attempts, and what becomes of its key.

    Raises:
        StoreError: one of the requests or attempts did not begin, or has ended already.
    """
    rows = [
        {"request": request_id, "state": _state(end), "said": end.intent, **_values(end, _END)}
        for request_id, end in ends
    ]
    _change_each(connection, _END_REQUEST, rows, "a request ended that is not running")
    for_each = connection.executemany
    if answers := [{"request": i, "answer": end.answer} for i, end in ends if end.answer is not None]:
        for_each(_KEEP_ANSWER, answers)
    if forgotten := [{"request": i} for i, end in ends if end.forget_key]:
        for_each(_FORGET_KEY, forgotten)
    if drawn := [_image(i, image) for i, end in ends for image in end.images]:
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


def _change_each(connection: Connection, statement: str, rows: list[dict[str, Any]], wrong: str) -> None:
    if connection.executemany(statement, rows).rowcount != len(rows):
        raise StoreError(f"{wrong}: this is a bug, please report it")


def _state(end: RequestEnd) -> str:
    return "done" if end.error_code is None else "failed"


def _image(request_id: str, image: ImageRecord) -> dict[str, Any]:
    if image.request_id != request_id:
        raise StoreError("an image of another request: this is a bug, please report it")
    return _values(image, _IMAGE)


def _cost(usd: float) -> dict[str, int]:
    return {"cost_micro_usd": micro_dollars(usd)}


def _values(record: object, names: tuple[str, ...]) -> dict[str, Any]:
    return dict(zip(names, attrgetter(*names)(record), strict=True))
