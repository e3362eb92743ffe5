"""Feedback: one say a caller and image, or a caller and request."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from serve.errors import NotFoundError
from serve.store.records import FeedbackRecord
from serve.store.tables import feedback, images, requests

_new = insert(feedback)
_say = _new.on_conflict_do_update(
    index_elements=[feedback.c.target, feedback.c.caller],
    set_={
        "thumb": func.coalesce(_new.excluded.thumb, feedback.c.thumb),
        "right_intent": func.coalesce(_new.excluded.right_intent, feedback.c.right_intent),
        "comment": func.coalesce(_new.excluded.comment, feedback.c.comment),
        "created": _new.excluded.created,
    },
)


def give_feedback(connection: Connection, records: Sequence[FeedbackRecord]) -> Sequence[None]:
    """Keep what each caller says.

    Raises:
        NotFoundError: no image or request has that id.
    """
    for record in records:
        request_id = _request_of(connection, record)
        connection.execute(
            _say,
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
        wanted = select(images.c.request_id).where(images.c.id == record.image_id)
    else:
        wanted = select(requests.c.id).where(requests.c.id == record.request_id)
    found = connection.execute(wanted).scalar_one_or_none()
    if found is None:
        raise NotFoundError("no image or request has this id", param="id")
    return str(found)
