"""What the gateway remembers across restarts: requests, attempts, images, idempotency keys, feedback.

One SQLite file, owned by one process; one thread writes, a few read; no SQL on the event loop.
"""

from serve.store.records import (
    AttemptEnd,
    AttemptStart,
    Claim,
    Done,
    FeedbackRecord,
    Fresh,
    ImageRecord,
    LateEnd,
    LedgerEntry,
    Lost,
    Mismatch,
    RequestEnd,
    RequestRecord,
    Running,
)
from serve.store.statistics import ModelStats, Percentiles, Stats, Totals
from serve.store.store import Store

__all__ = [
    "AttemptEnd",
    "AttemptStart",
    "Claim",
    "Done",
    "FeedbackRecord",
    "Fresh",
    "ImageRecord",
    "LateEnd",
    "LedgerEntry",
    "Lost",
    "Mismatch",
    "ModelStats",
    "Percentiles",
    "RequestEnd",
    "RequestRecord",
    "Running",
    "Stats",
    "Store",
    "Totals",
]
