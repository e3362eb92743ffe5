"""Precision, recall and F1 of each class, their mean, and how sure each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import Interval, Resampling, bounds


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class against the rest, each figure with its 95 % interval; `n` gold rows have it."""

    precision: float
    recall: float
    f1: float
    n: int
    precision_95: Interval
    recall_95: Interval
    f1_95: Interval


def class_scores(
    true: NDArray[np.int64], said: NDArray[np.int64], classes: Sequence[str], resampling: Resampling
) -> dict[str, ClassScore]:
    """The score of each class, given the true and the predicted column of every row."""
    columns = np.arange(len(classes))
    is_true, is_said = true[:, None] == columns, said[:, None] == columns
    hit = is_true & is_said
    precision, recall = resampling.shares(hit, is_said), resampling.shares(hit, is_true)
    f1 = bounds(resampling.ratios(2 * hit, is_said.astype(int) + is_true))
    scores = {}
    for i, label in enumerate(classes):
        hits, says, trues = (int(flags[:, i].sum()) for flags in (hit, is_said, is_true))
        share = _share(2 * hits, says + trues)
        f1_95 = resampling.widened(f1[i], share, is_true[:, i])
        scores[label] = ClassScore(
            _share(hits, says), _share(hits, trues), share, trues, precision[i], recall[i], f1_95
        )
    return scores


def macro_f1(
    true: NDArray[np.int64], said: NDArray[np.int64], classes: Sequence[str], resampling: Resampling
) -> tuple[float, Interval]:
    """The unweighted mean of the classes' F1, and its 95 % interval; a class that is neither true nor said counts 0."""
    columns = np.arange(len(classes))
    is_true, is_said = (numbers[:, None] == columns for numbers in (true, said))
    above, below = 2 * (is_true & is_said), is_said.astype(int) + is_true
    drawn = np.nan_to_num(resampling.ratios(above, below)).mean(axis=1)
    mean = float(np.mean([_share(a, b) for a, b in zip(above.sum(axis=0), below.sum(axis=0), strict=True)]))
    return mean, resampling.widened(bounds(drawn[:, None])[0], mean, np.ones(len(true), dtype=bool))


def confusion_counts(true: NDArray[np.int64], said: NDArray[np.int64], size: int) -> list[list[int]]:
    """Rows by true (down) and predicted (across) class."""
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (true, said), 1)
    rows: list[list[int]] = counts.tolist()
    return rows


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
