"""`Stats` by SQL: SQLite counts, sorts and sums without holding up the event loop's thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    Select,
    Subquery,
    and_,
    case,
    distinct,
    exists,
    func,
    literal,
    select,
    true,
)

from serve.store.records import SENT
from serve.store.statistics import ModelStats, Percentiles, Stats, Totals
from serve.store.tables import attempts, feedback, images, requests

PREVIEW = "preview"
FINAL = ("high", "hd")
"""Qualities that make a preview the final picture, which an export is too. Nobody promised it in `TARGET_MS`."""
TARGET_MS = 3000.0

_Key = tuple[str, str | None]
_MONEY = (
    func.coalesce(func.sum(attempts.c.cost_usd).filter(attempts.c.billed == "yes"), 0).label("settled_usd"),
    func.coalesce(func.sum(attempts.c.cost_usd).filter(attempts.c.billed == "unknown"), 0).label("possible_usd"),
)
_OPINIONS = (
    func.count().filter(feedback.c.thumb == 1).label("thumbs_up"),
    func.count().filter(feedback.c.thumb == -1).label("thumbs_down"),
    func.count()
    .filter(feedback.c.right_intent.is_not(None), feedback.c.right_intent.is_distinct_from(requests.c.intent))
    .label("corrected"),
)


def read_stats(connection: Connection, since: float | None, sandbox: bool | None, target_ms: float) -> Stats:
    """All figures of the requests of the cohort, from one snapshot of the file. None for `since` or `sandbox`: any."""
    cohort = and_(
        true() if since is None else requests.c.created >= since,
        true() if sandbox is None else requests.c.sandbox == sandbox,
    )
    previews, in_time = connection.execute(_previews(cohort, target_ms)).one()
    return Stats(since, target_ms, _models(connection, cohort), _totals(connection, cohort), previews, in_time)


def _models(connection: Connection, cohort: ColumnElement[bool]) -> tuple[ModelStats, ...]:
    found: dict[_Key, dict[str, Any]] = defaultdict(dict)
    for statement in (_calls(cohort), _drawn(cohort), _liked(cohort)):
        for model, intent, *figures in connection.execute(statement):
            found[model, intent] |= dict(zip(_names(statement)[2:], figures, strict=True))
    for model, intent, *ranks in connection.execute(_percentiles(_ok_attempts(cohort))):
        found[model, intent]["ms"] = Percentiles(*ranks)
    for key, errors in _errors(connection, cohort).items():
        found[key]["errors"] = errors
    in_order = sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return tuple(ModelStats(model, intent, **figures) for (model, intent), figures in in_order)


def _names(statement: Select[Any]) -> list[str]:
    return [column.key for column in statement.selected_columns if column.key is not None]


def _calls(cohort: ColumnElement[bool]) -> Select[Any]:
    return (
        select(
            attempts.c.row,
            requests.c.intent,
            func.count(distinct(attempts.c.request_id)).label("requests"),
            func.count().label("attempts"),
            *_MONEY,
        )
        .join_from(attempts, requests)
        .where(cohort)
        .group_by(attempts.c.row, requests.c.intent)
    )


def _drawn(cohort: ColumnElement[bool]) -> Select[Any]:
    return (
        select(requests.c.row, requests.c.intent, func.count().label("images"))
        .join_from(images, requests)
        .where(cohort, requests.c.row.is_not(None))
        .group_by(requests.c.row, requests.c.intent)
    )


def _liked(cohort: ColumnElement[bool]) -> Select[Any]:
    return (
        select(requests.c.row, requests.c.intent, *_OPINIONS)
        .join_from(feedback, requests, feedback.c.request_id == requests.c.id)
        .where(cohort, requests.c.row.is_not(None))
        .group_by(requests.c.row, requests.c.intent)
    )


def _errors(connection: Connection, cohort: ColumnElement[bool]) -> Mapping[_Key, dict[str, int]]:
    errors: dict[_Key, dict[str, int]] = defaultdict(dict)
    rows = connection.execute(
        select(attempts.c.row, requests.c.intent, attempts.c.outcome, func.count())
        .join_from(attempts, requests)
        .where(cohort, attempts.c.outcome.not_in(("ok", SENT)))
        .group_by(attempts.c.row, requests.c.intent, attempts.c.outcome)
        .order_by(attempts.c.outcome)
    )
    for model, intent, outcome, count in rows:
        errors[model, intent][outcome] = count
    return errors


def _ok_attempts(cohort: ColumnElement[bool]) -> Subquery:
    return _ranked(
        select(attempts.c.row.label("model"), requests.c.intent, attempts.c.ms.label("ms"))
        .join_from(attempts, requests)
        .where(cohort, attempts.c.outcome == "ok")
        .subquery()
    )


def _answers(cohort: ColumnElement[bool]) -> Subquery:
    return _ranked(
        select(literal("").label("model"), literal("").label("intent"), requests.c.latency_ms.label("ms"))
        .where(cohort, requests.c.state == "done")
        .subquery()
    )


def _ranked(measured: Subquery) -> Subquery:
    """Every value with its place, 1 and up, among its group's `size` values."""
    group = (measured.c.model, measured.c.intent)
    place = func.row_number().over(partition_by=group, order_by=measured.c.ms)
    size = func.count().over(partition_by=group)
    return select(measured, place.label("place"), size.label("size")).subquery()


def _percentiles(ranked: Subquery) -> Select[Any]:
    """By nearest rank, as `Percentiles` says: the smallest value whose place is at least p % of the size."""

    def rank(percent: int) -> ColumnElement[float]:
        return func.min(ranked.c.ms, type_=Float).filter(ranked.c.place * 100 >= ranked.c.size * percent)

    group = (ranked.c.model, ranked.c.intent)
    return select(*group, rank(50), rank(95), rank(99)).group_by(*group)


def _totals(connection: Connection, cohort: ColumnElement[bool]) -> Totals:
    states = ("running", "done", "failed", "lost")
    counted = select(*(func.count().filter(requests.c.state == state).label(state) for state in states)).where(cohort)
    spent = select(func.count().label("attempts"), *_MONEY).join_from(attempts, requests).where(cohort)
    drawn = select(func.count().label("images")).join_from(images, requests).where(cohort)
    liked = select(*_OPINIONS).join_from(feedback, requests, feedback.c.request_id == requests.c.id).where(cohort)
    figures: dict[str, Any] = {}
    for statement in (counted, spent, drawn, liked):
        figures |= connection.execute(statement).one()._mapping
    ms = connection.execute(_percentiles(_answers(cohort))).one_or_none()
    return Totals(**figures, ms=None if ms is None else Percentiles(*ms[2:]), errors=_codes(connection, cohort))


def _codes(connection: Connection, cohort: ColumnElement[bool]) -> dict[str, int]:
    code = requests.c.error_code
    rows = connection.execute(select(code, func.count()).where(cohort, code.is_not(None)).group_by(code).order_by(code))
    return {row[0]: row[1] for row in rows}


def _previews(cohort: ColumnElement[bool], target_ms: float) -> Select[int, int]:
    in_time = case((requests.c.state == "done", requests.c.latency_ms < target_ms))
    # The request itself stands beside its pictures only: a final that failed cannot be told from a preview.
    quality = func.json_extract(images.c.request, "$.quality")
    final = exists().where(images.c.request_id == requests.c.id, quality.in_(FINAL))
    return select(func.count(), func.count().filter(in_time)).where(
        cohort, requests.c.intent == PREVIEW, requests.c.state != "running", ~final
    )
