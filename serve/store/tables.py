"""The tables of schema 1. A change here needs a new number and a step in `schema`."""

from __future__ import annotations

_REQUESTS = """
CREATE TABLE requests (
    id VARCHAR NOT NULL,
    created FLOAT NOT NULL,
    caller VARCHAR NOT NULL,
    intent VARCHAR,
    asked VARCHAR,
    n INTEGER NOT NULL,
    sandbox BOOLEAN NOT NULL,
    state VARCHAR NOT NULL,
    ended FLOAT,
    http_status INTEGER,
    error_code VARCHAR,
    latency_ms FLOAT,
    "row" VARCHAR,
    PRIMARY KEY (id),
    CONSTRAINT state_is_known CHECK (state IN ('running', 'done', 'failed', 'lost'))
)
"""
_ATTEMPTS = """
CREATE TABLE attempts (
    id VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL,
    number INTEGER NOT NULL,
    model VARCHAR NOT NULL,
    "row" VARCHAR NOT NULL,
    vendor_model VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    sent FLOAT NOT NULL,
    outcome VARCHAR NOT NULL,
    status INTEGER,
    ms FLOAT,
    billed VARCHAR NOT NULL,
    cost_micro_usd INTEGER NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT billed_is_known CHECK (billed IN ('yes', 'no', 'unknown')),
    FOREIGN KEY(request_id) REFERENCES requests (id)
)
"""
# `parent_id` is no foreign key: a parent may be older than this file.
_IMAGES = """
CREATE TABLE images (
    id VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    intent VARCHAR,
    media_type VARCHAR NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    request VARCHAR NOT NULL,
    created FLOAT NOT NULL,
    parent_id VARCHAR,
    PRIMARY KEY (id),
    FOREIGN KEY(request_id) REFERENCES requests (id)
)
"""
# `request_id` is no foreign key: a key is claimed before its request begins.
# `answer` is here and not with the request: only a key's owner can ask for it again, and only as long as the key lives.
_IDEMPOTENCY = """
CREATE TABLE idempotency (
    caller VARCHAR NOT NULL,
    "key" VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL,
    expires FLOAT NOT NULL,
    answer VARCHAR,
    PRIMARY KEY (caller, "key")
)
"""
# `target` is the image's id, or the request's where no image was named.
_FEEDBACK = """
CREATE TABLE feedback (
    target VARCHAR NOT NULL,
    caller VARCHAR NOT NULL,
    request_id VARCHAR NOT NULL,
    image_id VARCHAR,
    thumb INTEGER,
    right_intent VARCHAR,
    comment VARCHAR,
    created FLOAT NOT NULL,
    PRIMARY KEY (target, caller),
    CONSTRAINT thumb_is_up_or_down CHECK (thumb IN (1, -1)),
    FOREIGN KEY(request_id) REFERENCES requests (id),
    FOREIGN KEY(image_id) REFERENCES images (id)
)
"""
_INDEXES = (
    "CREATE INDEX requests_by_time ON requests (created)",
    # Small: it holds only what runs now, which is all that `recover` asks for. As `attempts_sent` does.
    "CREATE INDEX requests_running ON requests (id) WHERE state = 'running'",
    "CREATE INDEX ix_attempts_request_id ON attempts (request_id)",
    "CREATE INDEX attempts_by_time ON attempts (sent)",
    "CREATE INDEX attempts_sent ON attempts (id) WHERE outcome = 'sent'",
    "CREATE INDEX ix_images_request_id ON images (request_id)",
    "CREATE INDEX ix_idempotency_request_id ON idempotency (request_id)",
    "CREATE INDEX ix_feedback_request_id ON feedback (request_id)",
)
TABLES = (_REQUESTS, _ATTEMPTS, _IMAGES, _IDEMPOTENCY, _FEEDBACK, *_INDEXES)
"""Statements that make an empty file one of ours, in this order."""


def micro_dollars(usd: float) -> int:
    """Money as the file has it, to the nearest: of whole micro-dollars sums stay exact."""
    return round(usd * 1_000_000)
