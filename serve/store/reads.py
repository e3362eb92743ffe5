"""Single records out of the store."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Connection, select

from serve.store.records import ImageRecord, LedgerEntry
from serve.store.tables import attempts, images, requests

# Columns in the order of the records' fields, which are then filled by place.
_image = select(*(images.c[field.name] for field in fields(ImageRecord)))
_ledger = (
    select(*((attempts.c if field.name in attempts.c else requests.c)[field.name] for field in fields(LedgerEntry)))
    .join_from(attempts, requests)
    .order_by(attempts.c.sent.desc(), attempts.c.number.desc(), attempts.c.id)
)


def image(connection: Connection, image_id: str) -> ImageRecord | None:
    """The picture with this id."""
    row = connection.execute(_image.where(images.c.id == image_id)).one_or_none()
    return None if row is None else ImageRecord(*row)


def ledger(connection: Connection, limit: int, since: float | None, sandbox: bool | None) -> list[LedgerEntry]:
    """The last `limit` attempts, the newest first. None for `since` or `sandbox`: any."""
    wanted = _ledger.limit(limit)
    if since is not None:
        wanted = wanted.where(attempts.c.sent >= since)
    if sandbox is not None:
        wanted = wanted.where(requests.c.sandbox == sandbox)
    return [LedgerEntry(*row) for row in connection.execute(wanted)]
