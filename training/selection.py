"""What a classifier is worth when it may keep silent: coverage at a wanted precision, and risk by coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import Flags, Floats, Interval, Resampling, bounds

_POINTS = 100


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering every row at or above `confidence`: the share `coverage` of the rows, wrong in `strict` of the answers
    by the label, and in `lenient` (with its 95 % interval) by either acceptable one.
    """

    coverage: float
    confidence: float
    strict: float
    lenient: float
    lenient_95: Interval


def coverage_at(confidence: NDArray[Any], right: Flags, precision: float) -> float:
    """Largest share of rows, most confident first and ties together, that stays at or above `precision`."""
    order = np.argsort(-confidence, kind="stable")
    kept = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= precision
    reached = np.flatnonzero(kept & ends_of_ties(confidence[order]))
    return float(reached[-1] + 1) / len(order) if len(reached) else 0.0


def coverage_interval(confidence: NDArray[Any], right: Flags, precision: float, resampling: Resampling) -> Interval:
    """The 95 % bootstrap interval of `coverage_at`: the place to stop is looked for again in every draw."""
    order = np.argsort(-confidence, kind="stable")
    taken, good = _running(resampling, order, right)
    with np.errstate(invalid="ignore"):
        kept = (good / taken >= precision) & ends_of_ties(confidence[order])
    steps = kept.shape[1]
    last = steps - 1 - kept[:, ::-1].argmax(axis=1)
    shares = np.where(kept.any(axis=1), taken[np.arange(len(taken)), last] / taken[:, -1], 0.0)
    return bounds(shares[:, None])[0]


def risk_curve(
    confidence: NDArray[Any], strict: Flags, lenient: Flags, resampling: Resampling
) -> tuple[RiskPoint, ...]:
    """Risk by coverage (Geifman and El-Yaniv 2017), at most a hundred points from sure to unsure, ties together."""
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(ends_of_ties(confidence[order]))
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, min(_POINTS, len(ends))).round().astype(int))]
    taken, good = (totals[:, ends] for totals in _running(resampling, order, lenient))
    with np.errstate(invalid="ignore"):
        drawn = bounds((taken - good) / taken)
    counts = np.arange(1, len(order) + 1)
    missed, refused = (1 - np.cumsum(flags[order]) / counts for flags in (strict, lenient))
    ranks = np.argsort(order)
    bands = [resampling.widened(band, refused[i], ranks <= i) for i, band in zip(ends, drawn, strict=True)]
    return tuple(
        RiskPoint((i + 1) / len(order), float(confidence[order[i]]), float(missed[i]), float(refused[i]), band)
        for i, band in zip(ends.tolist(), bands, strict=True)
    )


def ends_of_ties(ranked: NDArray[Any]) -> Flags:
    """Where in n values, sorted from the largest, one is the last of its equals."""
    return np.append(ranked[1:] != ranked[:-1], True)


def _running(resampling: Resampling, order: NDArray[np.int64], right: Flags) -> tuple[Floats, Floats]:
    """Rows taken so far and right ones among them, most confident first, in each draw: twice (draws, n)."""
    weights = resampling.weights[:, order]
    return weights.cumsum(axis=1), (weights * right[order]).cumsum(axis=1)
