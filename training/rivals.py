"""What a report sets beside the classifier: the best constant answer, the keyword rule, and rows measured elsewhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.bootstrap import Interval, Resampling, interval
from training.class_scores import macro_f1
from training.comparison import Comparison, compare_flags
from training.errors import DatasetError
from training.evaluation import Flags, Probabilities, hits, label_hits
from training.gold import Gold, gold_digest
from training.keyword_rule import keyword_intents
from training.slices import rule_hits


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Rival:
    """Another method on the same gold rows; `gap` is the classifier's strict accuracy minus its, where it is known."""

    name: str
    strict: Figure
    lenient: Figure
    macro_f1: Figure
    gap: Comparison | None = None


def rivals(gold: Sequence[Gold], classes: Sequence[str], ours: Flags) -> list[Rival]:
    """The constant answer that is right most often here, and the keyword rule; `ours` are our strict hits."""
    label = Counter(row.intent for row in gold).most_common(1)[0][0]
    said = {f"always {label}": [label] * len(gold), "keyword rule": keyword_intents([row.prompt for row in gold])}
    return [_scored(name, gold, labels, classes, ours) for name, labels in said.items()]


def rule_gap(gold: Sequence[Gold], probabilities: Probabilities, classes: Sequence[str]) -> Comparison:
    """A classifier's strict accuracy against the keyword rule's on the same rows."""
    return compare_flags(hits(gold, probabilities, classes)[0], rule_hits(gold), gold)


def read_rivals(path: Path, gold: Sequence[Gold]) -> list[Rival]:
    """Rows measured elsewhere: a JSON array of `{name, digest, strict, lenient, macro_f1}`.

    Each figure is `{value, low, high}`; `digest` is the digest of the gold rows that it was measured on.

    Raises:
        DatasetError: the file cannot be read, is something else, or was measured on other rows than `gold`.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        measured = {str(row["digest"]) for row in rows}
        found = [_measured(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: expected a JSON array of {{name, digest, strict, lenient, macro_f1}}: {error!r}"
        ) from error
    if foreign := measured - {gold_digest(gold)}:
        raise DatasetError(f"{path}: measured on other rows (digest {min(foreign)}): figures cannot stand side by side")
    return found


def _scored(name: str, gold: Sequence[Gold], said: Sequence[str], classes: Sequence[str], ours: Flags) -> Rival:
    groups = [row.group for row in gold]
    strict, lenient = label_hits(gold, said)
    numbers = {label: i for i, label in enumerate(classes)}
    # A label that is none of the classes is a column of its own: always wrong, and no class to average over.
    answers = np.array([numbers.get(label, len(numbers)) for label in said])
    truths = np.array([numbers[row.intent] for row in gold])
    f1 = macro_f1(truths, answers, classes, Resampling.of_groups(groups))
    share, either = (Figure(float(flags.mean()), interval(flags, groups=groups)) for flags in (strict, lenient))
    return Rival(name, share, either, Figure(*f1), compare_flags(ours, strict, gold))


def _measured(row: dict[str, Any]) -> Rival:
    return Rival(str(row["name"]), _figure(row["strict"]), _figure(row["lenient"]), _figure(row["macro_f1"]))


def _figure(row: dict[str, float]) -> Figure:
    return Figure(float(row["value"]), (float(row["low"]), float(row["high"])))
