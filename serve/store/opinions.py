"""Feedback: one say a caller and image, or a caller and request."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from serve.errors import NotFoundError
from serve.store.records import FeedbackRecord

_SAY = """
INSERT INTO feedback (target, caller, request_id, image_id, thumb, right_intent, comment, created)
VALUES (:target, :caller, :request_id, :image_id, :thumb, :right_intent, :comment, :created)
ON CONFLICT (target, caller) DO UPDATE SET
    thumb = coalesce(excluded.thumb, feedback.thumb),
    right_intent = coalesce(excluded.right_intent, feedback.right_intent),
    comment = coalesce(excluded.comment, feedback.comment),
    created = excluded.created
"""
_IMAGES_REQUEST = "SELECT request_id FROM images WHERE id = :id"
_REQUEST = "SELECT id FROM requests WHERE id = :id"


def give_feedback(connection: Connection, records: Sequence[FeedbackRecord]) -> Sequence[None]:
    """Keep what each caller says.

    Raises:
        NotFoundError: no image or request has that id.
    """
    for record in records:
        request_id = _request_of(connection, record)
        connection.execute(
            _SAY,
            {
                "target": record.image_id or request_id,
                "caller": record.caller,
                "request_id": request_id,
                "image_id": record.image_id,
                "thumb": record.thumb,
                "right_intent": record.right_intent,
                "comment": record.comment,
                "created": record.created,
            },
        )
    return [None] * len(records)


def _request_of(connection: Connection, record: FeedbackRecord) -> str:
    if record.image_id is not None:
        found = connection.execute(_IMAGES_REQUEST, {"id": record.image_id}).fetchone()
    else:
        found = connection.execute(_REQUEST, {"id": record.request_id}).fetchone()
    if found is None:
        raise NotFoundError("no image or request has this id", param="id")
    return str(found[0])
