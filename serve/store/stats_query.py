"""`Stats` by SQL: SQLite counts, sorts and sums without holding up the event loop's thread."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from sqlite3 import Connection, Row
from typing import Any

from serve.store.records import SENT
from serve.store.statistics import ModelStats, Percentiles, Stats, Totals

TARGET_MS = 3000.0

_Key = tuple[str, str | None]
_Values = Mapping[str, Any]
# What every statement below begins with. They add what belongs to the cohort by CROSS JOIN, by which SQLite keeps to
# the order that is written: for the figures of the last hour it would else go through all attempts there ever were.
_COHORT = """
WITH cohort AS (SELECT * FROM requests WHERE created >= :since AND (:sandbox IS NULL OR sandbox = :sandbox))
"""

# Shared by the figures of each row and of all. Money is whole micro-dollars in the file.
_MONEY = """\
    coalesce(sum(attempts.cost_micro_usd) FILTER (WHERE attempts.billed = 'yes'), 0) / 1000000.0 AS settled_usd,
    coalesce(sum(attempts.cost_micro_usd) FILTER (WHERE attempts.billed = 'unknown'), 0) / 1000000.0 AS possible_usd
"""
_OPINIONS = """\
    count(*) FILTER (WHERE feedback.thumb = 1) AS thumbs_up,
    count(*) FILTER (WHERE feedback.thumb = -1) AS thumbs_down,
    count(*) FILTER (
        WHERE feedback.right_intent IS NOT NULL AND feedback.right_intent IS NOT cohort.intent
    ) AS corrected
"""

# Per catalogue row and intent, under the names of `ModelStats`.
_CALLS = f"""
SELECT attempts."row" AS model, cohort.intent AS intent, count(DISTINCT attempts.request_id) AS requests,
    count(*) AS attempts,
{_MONEY}FROM cohort CROSS JOIN attempts ON attempts.request_id = cohort.id
GROUP BY attempts."row", cohort.intent
"""
_DRAWN = """
SELECT cohort."row" AS model, cohort.intent AS intent, count(*) AS images
FROM cohort CROSS JOIN images ON images.request_id = cohort.id
WHERE cohort."row" IS NOT NULL
GROUP BY cohort."row", cohort.intent
"""
_LIKED = f"""
SELECT cohort."row" AS model, cohort.intent AS intent,
{_OPINIONS}FROM cohort CROSS JOIN feedback ON feedback.request_id = cohort.id
WHERE cohort."row" IS NOT NULL
GROUP BY cohort."row", cohort.intent
"""
_ERRORS = """
SELECT attempts."row" AS model, cohort.intent AS intent, attempts.outcome, count(*)
FROM cohort CROSS JOIN attempts ON attempts.request_id = cohort.id
WHERE attempts.outcome NOT IN ('ok', :sent)
GROUP BY attempts."row", cohort.intent, attempts.outcome
ORDER BY attempts.outcome
"""
# By nearest rank, as `Percentiles` says: the smallest value whose place, 1 and up, is at least p % of its group's size.
_TIMES = """
SELECT model, intent,
    min(ms) FILTER (WHERE place * 100 >= size * 50),
    min(ms) FILTER (WHERE place * 100 >= size * 95),
    min(ms) FILTER (WHERE place * 100 >= size * 99)
FROM (
    SELECT attempts."row" AS model, cohort.intent AS intent, attempts.ms AS ms,
        row_number() OVER (PARTITION BY attempts."row", cohort.intent ORDER BY attempts.ms) AS place,
        count(*) OVER (PARTITION BY attempts."row", cohort.intent) AS size
    FROM cohort CROSS JOIN attempts ON attempts.request_id = cohort.id
    WHERE attempts.outcome = 'ok'
)
GROUP BY model, intent
"""

# All requests together, under the names of `Totals`.
_STATES = """
SELECT count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'done') AS done,
    count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'lost') AS lost
FROM cohort
"""
_ALL_CALLS = f"""
SELECT count(*) AS attempts,
{_MONEY}FROM cohort CROSS JOIN attempts ON attempts.request_id = cohort.id
"""
_ALL_DRAWN = "SELECT count(*) AS images FROM cohort CROSS JOIN images ON images.request_id = cohort.id"
_ALL_LIKED = f"""
SELECT {_OPINIONS}FROM cohort CROSS JOIN feedback ON feedback.request_id = cohort.id
"""
_CODES = """
SELECT error_code, count(*) FROM cohort WHERE error_code IS NOT NULL GROUP BY error_code ORDER BY error_code
"""
_WAITS = """
SELECT
    min(ms) FILTER (WHERE place * 100 >= size * 50),
    min(ms) FILTER (WHERE place * 100 >= size * 95),
    min(ms) FILTER (WHERE place * 100 >= size * 99)
FROM (
    SELECT latency_ms AS ms, row_number() OVER (ORDER BY latency_ms) AS place, count(*) OVER () AS size
    FROM cohort WHERE state = 'done'
)
"""
# Nobody promised a final picture within the target: a preview in one of these qualities is one, and so is an export.
# The request itself stands beside its pictures only: a final that failed cannot be told from a preview.
_PREVIEWS = """
SELECT count(*), count(*) FILTER (WHERE state = 'done' AND latency_ms < :target_ms)
FROM cohort
WHERE intent = 'preview' AND state != 'running' AND NOT EXISTS (
    SELECT 1 FROM images
    WHERE images.request_id = cohort.id AND json_extract(images.request, '$.quality') IN ('high', 'hd')
)
"""


def read_stats(connection: Connection, since: float | None, sandbox: bool | None, target_ms: float) -> Stats:
    """All figures of the requests of the cohort. None for `since` or `sandbox`: any.

    They are of one moment where `connection` is in a transaction.
    """
    values = {
        "since": -math.inf if since is None else since,
        "sandbox": sandbox,
        "target_ms": target_ms,
        "sent": SENT,
    }
    [(previews, in_time)] = _rows(connection, _PREVIEWS, values)
    return Stats(since, target_ms, _models(connection, values), _totals(connection, values), previews, in_time)


def _rows(connection: Connection, statement: str, values: _Values) -> list[Row]:
    return connection.execute(_COHORT + statement, values).fetchall()


def _models(connection: Connection, values: _Values) -> tuple[ModelStats, ...]:
    found: dict[_Key, dict[str, Any]] = defaultdict(dict)
    for statement in (_CALLS, _DRAWN, _LIKED):
        for row in _rows(connection, statement, values):
            figures = dict(row)
            found[figures.pop("model"), figures.pop("intent")] |= figures
    for model, intent, *ranks in _rows(connection, _TIMES, values):
        found[model, intent]["ms"] = Percentiles(*ranks)
    for key, errors in _errors(_rows(connection, _ERRORS, values)).items():
        found[key]["errors"] = errors
    in_order = sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return tuple(ModelStats(model, intent, **figures) for (model, intent), figures in in_order)


def _errors(rows: Iterable[Row]) -> Mapping[_Key, dict[str, int]]:
    errors: dict[_Key, dict[str, int]] = defaultdict(dict)
    for model, intent, outcome, count in rows:
        errors[model, intent][outcome] = count
    return errors


def _totals(connection: Connection, values: _Values) -> Totals:
    figures: dict[str, Any] = {}
    for statement in (_STATES, _ALL_CALLS, _ALL_DRAWN, _ALL_LIKED):
        [row] = _rows(connection, statement, values)
        figures |= dict(row)
    [ranks] = _rows(connection, _WAITS, values)
    errors = {row[0]: row[1] for row in _rows(connection, _CODES, values)}
    return Totals(**figures, ms=None if ranks[0] is None else Percentiles(*ranks), errors=errors)
