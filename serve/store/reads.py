"""Single records out of the store."""

from __future__ import annotations

import math
from sqlite3 import Connection

from serve.store.records import ImageRecord, LedgerEntry

# Columns under the names of the records' fields.
_IMAGE = """
SELECT id, request_id, model, intent, media_type, width, height, request, created, parent_id
FROM images WHERE id = :id
"""
_LEDGER = """
SELECT attempts.id, attempts.request_id, attempts.number, attempts.model, attempts."row", attempts.vendor_model,
    attempts.provider, requests.intent, requests.sandbox, attempts.sent, attempts.outcome, attempts.status, attempts.ms,
    attempts.billed, attempts.cost_micro_usd / 1000000.0 AS cost_usd
FROM attempts JOIN requests ON requests.id = attempts.request_id
WHERE attempts.sent >= :since AND (:sandbox IS NULL OR requests.sandbox = :sandbox)
ORDER BY attempts.sent DESC, attempts.number DESC, attempts.id
LIMIT :limit
"""


def image(connection: Connection, image_id: str) -> ImageRecord | None:
    """The picture with this id."""
    row = connection.execute(_IMAGE, {"id": image_id}).fetchone()
    return None if row is None else ImageRecord(**row)


def ledger(connection: Connection, limit: int, since: float | None, sandbox: bool | None) -> list[LedgerEntry]:
    """The last `limit` attempts, the newest first. None for `since` or `sandbox`: any."""
    wanted = {"limit": limit, "since": -math.inf if since is None else since, "sandbox": sandbox}
    rows = connection.execute(_LEDGER, wanted)
    # SQLite has no booleans, but 0 and 1.
    return [LedgerEntry(**{**row, "sandbox": bool(row["sandbox"])}) for row in rows]
