"""Idempotency keys: who may draw, who waits, who gets an answer that exists already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, insert, select

from serve.store.records import Claim, Done, Fresh, Lost, Mismatch, Running
from serve.store.tables import attempts, idempotency, requests


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


_Held = Row[*tuple[Any, ...]]

_holder = (
    select(
        idempotency.c.fingerprint,
        idempotency.c.request_id,
        idempotency.c.expires,
        requests.c.state,
        requests.c.http_status,
        idempotency.c.answer,
    )
    .select_from(idempotency.outerjoin(requests, requests.c.id == idempotency.c.request_id))
    .where(idempotency.c.caller == bindparam("caller"), idempotency.c.key == bindparam("key"))
)
_take = insert(idempotency).prefix_with("OR REPLACE")
_may_be_billed = select(exists().where(attempts.c.request_id == bindparam("request_id"), attempts.c.billed != "no"))
_release = delete(idempotency).where(
    idempotency.c.caller == bindparam("caller"),
    idempotency.c.key == bindparam("key"),
    idempotency.c.request_id == bindparam("request_id"),
)


def claim(connection: Connection, wanted: Sequence[ClaimRequest]) -> Sequence[Claim]:
    """What each may do, one after the other: the first of equal ones gets the key."""
    return [_claim(connection, each) for each in wanted]


def release(connection: Connection, freed: Sequence[Release]) -> Sequence[bool]:
    """Whether each key was still the named request's, and is free now."""
    return [
        connection.execute(_release, {"caller": each.caller, "key": each.key, "request_id": each.request_id}).rowcount
        == 1
        for each in freed
    ]


def _claim(connection: Connection, wanted: ClaimRequest) -> Claim:
    held = connection.execute(_holder, {"caller": wanted.caller, "key": wanted.key}).one_or_none()
    if held is not None and not _expired(held, wanted.now):
        return Mismatch() if held.fingerprint != wanted.fingerprint else _standing(connection, held)
    connection.execute(
        _take,
        {
            "caller": wanted.caller,
            "key": wanted.key,
            "fingerprint": wanted.fingerprint,
            "request_id": wanted.request_id,
            "expires": wanted.now + wanted.ttl_s,
        },
    )
    return Fresh()


def _expired(held: _Held, now: float) -> bool:
    # However long a request runs, a second one beside it would be billed again.
    return bool(held.expires <= now and held.state != "running")


def _standing(connection: Connection, held: _Held) -> Claim:
    if held.state in ("done", "failed"):
        return Done(held.http_status, held.answer, held.request_id)
    if held.state == "lost":
        billed = connection.execute(_may_be_billed, {"request_id": held.request_id}).scalar_one()
        return Lost(held.request_id, bool(billed))
    # Running, or claimed a moment ago and about to begin.
    return Running(held.request_id)
