"""Intervals by the bootstrap: whole groups are drawn again, so that rows written together stay together.

The percentile method (Efron and Tibshirani 1993) with groups as its units (Davison and Hinkley 1997, section 3.8). The
seed is fixed: the same rows give the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Interval = tuple[float, float]

DRAWS = 2000
_QUANTILES = (2.5, 97.5)
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Resampling:
    """Draws of all groups with replacement.

    Attributes:
        weights: (draws, n): how often each of the n rows is in each draw; equal for rows of one group.
        groups: (n,): the number of each row's group.
    """

    weights: Floats
    groups: NDArray[np.int64]

    @classmethod
    def of_groups(cls, groups: Sequence[Any], draws: int = DRAWS) -> Self:
        """`draws` draws over rows whose groups are `groups` (any labels that sort), one label a row."""
        names, numbers = np.unique(np.asarray(groups), return_inverse=True)
        picked = np.random.default_rng(0).integers(0, len(names), (draws, len(names)))
        picked += len(names) * np.arange(draws)[:, None]
        counts = np.bincount(picked.ravel(), minlength=draws * len(names)).reshape(draws, len(names))
        return cls(counts[:, numbers].astype(np.float64), numbers)

    def ratios(self, above: NDArray[Any], below: NDArray[Any]) -> Floats:
        """Sum of `above` over sum of `below` in each draw: (n, m) and (n, m) -> (draws, m), NaN where `below` is 0."""
        with np.errstate(invalid="ignore"):
            quotients: Floats = (self.weights @ above.astype(np.float64)) / (self.weights @ below.astype(np.float64))
        return quotients

    def shares(self, hit: Flags, among: Flags) -> list[Interval]:
        """The interval of each column's share of hits among its rows, flags (n, m) both; hits are among them.

        A share of 0 or 1 never changes when it is drawn again, which says nothing about the next rows: Wilson's
        interval (1927) over the groups stands there instead.
        """
        drawn = bounds(self.ratios(hit, among))
        return [
            self.widened(interval, hit[:, i].sum() / max(among[:, i].sum(), 1), among[:, i])
            for i, interval in enumerate(drawn)
        ]

    def widened(self, interval: Interval, share: float, among: Flags) -> Interval:
        """`interval`, or Wilson's over the groups of the rows `among` (flags) where every draw gave the same share."""
        groups = len(np.unique(self.groups[among]))
        return wilson(float(share), groups) if groups and interval[0] == interval[1] else interval


def bounds(draws: Floats) -> list[Interval]:
    """The 2.5th and 97.5th percentile of each column of (draws, m), NaN left out; (0, 1) where all is NaN."""
    found: list[Interval] = [(0.0, 1.0)] * draws.shape[1]
    for column in np.flatnonzero(~np.isnan(draws).all(axis=0)):
        values = draws[:, column]
        low, high = np.percentile(values[~np.isnan(values)], _QUANTILES)
        found[column] = (float(low), float(high))
    return found


def wilson(share: float, n: int) -> Interval:
    """Wilson's 95 % score interval of a share seen in `n` independent trials."""
    middle, spread = share + _Z**2 / (2 * n), _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def interval(flags: Flags, draws: int = DRAWS, groups: Sequence[Any] | None = None) -> Interval:
    """95 % interval of a share, given its n flags; each row is a group of its own unless `groups` says otherwise."""
    resampling = Resampling.of_groups(range(len(flags)) if groups is None else groups, draws)
    column = np.asarray(flags, dtype=bool)[:, None]
    return resampling.shares(column, np.ones_like(column))[0]


def paired_difference(
    ours: Flags, theirs: Flags, draws: int = DRAWS, groups: Sequence[Any] | None = None
) -> tuple[float, float, float]:
    """Mean and 95 % interval of ours minus theirs over the same rows, drawn together (paired bootstrap).

    Where one is right on every row and the other on none, no draw says how much less it may be: Wilson's bound does.
    """
    resampling = Resampling.of_groups(range(len(ours)) if groups is None else groups, draws)
    gap = ours.astype(np.float64) - theirs.astype(np.float64)
    low, high = bounds(resampling.ratios(gap[:, None], np.ones((len(gap), 1))))[0]
    mean = float(gap.mean())
    if abs(mean) == 1:
        low, high = sorted((mean, mean * wilson(1.0, len(np.unique(resampling.groups)))[0]))
    return mean, low, high
