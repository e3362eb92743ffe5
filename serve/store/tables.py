"""The tables of schema 1. A change here needs a new number and a step in `schema`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    text,
)
from sqlalchemy.types import TypeDecorator

_MICRO = 1_000_000


class MicroDollars(TypeDecorator[float]):
    """US dollars outside, whole micro-dollars in the file: sums of money stay exact."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Any) -> int | None:
        """Dollars to micro-dollars, to the nearest."""
        return None if value is None else round(value * _MICRO)

    def process_result_value(self, value: int | None, dialect: Any) -> float | None:
        """Micro-dollars to dollars."""
        return None if value is None else value / _MICRO


metadata = MetaData()

requests = Table(
    "requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", Float, nullable=False),
    Column("caller", String, nullable=False),
    Column("intent", String),
    Column("asked", String),
    Column("n", Integer, nullable=False),
    Column("sandbox", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("ended", Float),
    Column("http_status", Integer),
    Column("error_code", String),
    Column("latency_ms", Float),
    Column("row", String),
    CheckConstraint("state IN ('running', 'done', 'failed', 'lost')", name="state_is_known"),
    Index("requests_by_time", "created"),
    # Small: it holds only what runs now, which is all that `recover` asks for.
    Index("requests_running", "id", sqlite_where=text("state = 'running'")),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String, primary_key=True),
    Column("request_id", String, ForeignKey("requests.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("model", String, nullable=False),
    Column("row", String, nullable=False),
    Column("vendor_model", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("sent", Float, nullable=False),
    Column("outcome", String, nullable=False),
    Column("status", Integer),
    Column("ms", Float),
    Column("billed", String, nullable=False),
    Column("cost_micro_usd", MicroDollars, key="cost_usd", nullable=False),
    CheckConstraint("billed IN ('yes', 'no', 'unknown')", name="billed_is_known"),
    Index("attempts_by_time", "sent"),
    Index("attempts_sent", "id", sqlite_where=text("outcome = 'sent'")),
)

images = Table(
    "images",
    metadata,
    Column("id", String, primary_key=True),
    Column("request_id", String, ForeignKey("requests.id"), nullable=False, index=True),
    Column("model", String, nullable=False),
    Column("intent", String),
    Column("media_type", String, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("request", String, nullable=False),
    Column("created", Float, nullable=False),
    # No foreign key: a parent may be older than this file.
    Column("parent_id", String),
)

# `request_id` is no foreign key: a key is claimed before its request begins.
idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("request_id", String, nullable=False, index=True),
    Column("expires", Float, nullable=False),
    # Here and not with the request: only a key's owner can ask for it again, and only as long as the key lives.
    Column("answer", String),
)

feedback = Table(
    "feedback",
    metadata,
    # The image's id, or the request's where no image was named.
    Column("target", String, primary_key=True),
    Column("caller", String, primary_key=True),
    Column("request_id", String, ForeignKey("requests.id"), nullable=False, index=True),
    Column("image_id", String, ForeignKey("images.id")),
    Column("thumb", Integer),
    Column("right_intent", String),
    Column("comment", String),
    Column("created", Float, nullable=False),
    CheckConstraint("thumb IN (1, -1)", name="thumb_is_up_or_down"),
)
