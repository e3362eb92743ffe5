"""What the writer thread does with requests and attempts: each function takes many records of one kind.

An end is written only over a beginning that has none yet: an answer that was kept is never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, func, insert, select, update

from serve.errors import StoreError
from serve.store.records import OUTCOME_UNKNOWN, SENT, AttemptEnd, AttemptStart, ImageRecord, RequestEnd, RequestRecord
from serve.store.tables import attempts, idempotency, images, requests

_REQUEST = ("id", "created", "caller", "intent", "asked", "n", "sandbox")
_ATTEMPT = ("id", "request_id", "number", "model", "row", "vendor_model", "provider", "sent", "cost_usd")
_ATTEMPT_END = ("outcome", "status", "ms", "billed", "cost_usd")
_IMAGE = (
    "id", "request_id", "model", "intent", "media_type", "width", "height", "request", "created", "parent_id",
)  # fmt: skip
_END = ("http_status", "latency_ms", "ended", "error_code", "row")

_begin = insert(requests)
_send = insert(attempts)
_end_attempt = update(attempts).where(attempts.c.id == bindparam("attempt"), attempts.c.outcome == SENT)
_end_request = (
    update(requests)
    .where(requests.c.id == bindparam("request"), requests.c.state == "running")
    .values(intent=func.coalesce(bindparam("said"), requests.c.intent))
)
_keep_image = insert(images)
_keep_answer = update(idempotency).where(idempotency.c.request_id == bindparam("request"))
_forget_key = delete(idempotency).where(idempotency.c.request_id == bindparam("request"))


def begin(connection: Connection, records: Sequence[RequestRecord]) -> Sequence[None]:
    """A running request each."""
    connection.execute(_begin, [_values(record, _REQUEST) | {"state": "running"} for record in records])
    return [None] * len(records)


def attempt_sent(connection: Connection, starts: Sequence[AttemptStart]) -> Sequence[None]:
    """An attempt each, which from now on may have been billed."""
    connection.execute(_send, [_values(start, _ATTEMPT) | {"outcome": SENT, "billed": "unknown"} for start in starts])
    return [None] * len(starts)


def attempt_ended(connection: Connection, ends: Sequence[tuple[str, AttemptEnd]]) -> Sequence[None]:
    """The end of the attempt with each id.

    Raises:
        StoreError: one of the attempts was not sent, or has ended already.
    """
    rows = [{"attempt": attempt_id, **_values(end, _ATTEMPT_END)} for attempt_id, end in ends]
    _change_each(connection, _end_attempt, rows, "an attempt ended that is not under way")
    return [None] * len(ends)


def finish(connection: Connection, ends: Sequence[tuple[str, RequestEnd]]) -> Sequence[None]:
    """The end of the request with each id, its images, and what becomes of its key.

    Raises:
        StoreError: one of the requests did not begin, or has ended already.
    """
    rows = [
        {"request": request_id, "state": _state(end), "said": end.intent, **_values(end, _END)}
        for request_id, end in ends
    ]
    _change_each(connection, _end_request, rows, "a request ended that is not running")
    for_each = connection.execute
    if answers := [{"request": i, "answer": end.answer} for i, end in ends if end.answer is not None]:
        for_each(_keep_answer, answers)
    if forgotten := [{"request": i} for i, end in ends if end.forget_key]:
        for_each(_forget_key, forgotten)
    if drawn := [_image(i, image) for i, end in ends for image in end.images]:
        for_each(_keep_image, drawn)
    return [None] * len(ends)


def recover(connection: Connection, nows: Sequence[float]) -> Sequence[int]:
    """Whatever runs belongs to a dead process. The number of requests that are lost by it."""
    return [_recover(connection, now) for now in nows]


def _recover(connection: Connection, now: float) -> int:
    connection.execute(update(attempts).where(attempts.c.outcome == SENT).values(outcome=OUTCOME_UNKNOWN))
    lost = connection.execute(
        update(requests).where(requests.c.state == "running").values(state="lost", ended=now, error_code="lost")
    )
    # A key whose request never began: no vendor was called for it. And keys that are past their time.
    began = select(requests.c.id).where(requests.c.id == idempotency.c.request_id).exists()
    connection.execute(delete(idempotency).where(~began | (idempotency.c.expires <= now)))
    return lost.rowcount


def _change_each(connection: Connection, statement: Executable, rows: list[dict[str, Any]], wrong: str) -> None:
    if connection.execute(statement, rows).rowcount != len(rows):
        raise StoreError(f"{wrong}: this is a bug, please report it")


def _state(end: RequestEnd) -> str:
    return "done" if end.error_code is None else "failed"


def _image(request_id: str, image: ImageRecord) -> dict[str, Any]:
    if image.request_id != request_id:
        raise StoreError("an image of another request: this is a bug, please report it")
    return _values(image, _IMAGE)


def _values(record: object, names: tuple[str, ...]) -> dict[str, Any]:
    return dict(zip(names, attrgetter(*names)(record), strict=True))
