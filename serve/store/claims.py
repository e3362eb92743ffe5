"""Idempotency keys: who may draw, who waits, who gets an answer that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

from serve.store.records import Claim, Done, Fresh, Lost, Mismatch, Running


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A request that wants `key`. `fingerprint` is of its body; the key is `caller`'s own until `now + ttl_s`."""

    key: str
    caller: str
    fingerprint: str
    request_id: str
    now: float
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Release:
    """`key` is to be free again, if it still is `request_id`'s."""

    key: str
    caller: str
    request_id: str


_HOLDER = """
SELECT idempotency.fingerprint, idempotency.request_id, idempotency.expires, requests.state, requests.http_status,
    idempotency.answer
FROM idempotency LEFT JOIN requests ON requests.id = idempotency.request_id
WHERE idempotency.caller = :caller AND idempotency."key" = :key
"""
_TAKE = """
INSERT OR REPLACE INTO idempotency (caller, "key", fingerprint, request_id, expires)
VALUES (:caller, :key, :fingerprint, :request_id, :expires)
"""
_MAY_BE_BILLED = "SELECT 1 FROM attempts WHERE request_id = :request_id AND billed != 'no' LIMIT 1"
_RELEASE = 'DELETE FROM idempotency WHERE caller = :caller AND "key" = :key AND request_id = :request_id'


def claim(connection: Connection, wanted: Sequence[ClaimRequest]) -> Sequence[Claim]:
    """What each may do, one after the other: the first of equal ones gets the key."""
    return [_claim(connection, each) for each in wanted]


def release(connection: Connection, freed: Sequence[Release]) -> Sequence[bool]:
    """Whether each key was still the named request's, and is free now."""
    return [
        connection.execute(_RELEASE, {"caller": each.caller, "key": each.key, "request_id": each.request_id}).rowcount
        == 1
        for each in freed
    ]


def _claim(connection: Connection, wanted: ClaimRequest) -> Claim:
    held: Row | None = connection.execute(_HOLDER, {"caller": wanted.caller, "key": wanted.key}).fetchone()
    if held is not None and not _expired(held, wanted.now):
        return Mismatch() if held["fingerprint"] != wanted.fingerprint else _standing(connection, held)
    connection.execute(
        _TAKE,
        {
            "caller": wanted.caller,
            "key": wanted.key,
            "fingerprint": wanted.fingerprint,
            "request_id": wanted.request_id,
            "expires": wanted.now + wanted.ttl_s,
        },
    )
    return Fresh()


def _expired(held: Row, now: float) -> bool:
    # However long a request runs, a second one beside it would be billed again.
    return bool(held["expires"] <= now and held["state"] != "running")


def _standing(connection: Connection, held: Row) -> Claim:
    if held["state"] in ("done", "failed"):
        return Done(held["http_status"], held["answer"], held["request_id"])
    if held["state"] == "lost":
        billed = connection.execute(_MAY_BE_BILLED, {"request_id": held["request_id"]}).fetchone()
        return Lost(held["request_id"], billed is not None)
    # Running, or claimed a moment ago and about to begin.
    return Running(held["request_id"])
