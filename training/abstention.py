"""When to abstain: the confidence from which the answers are right often enough, and surely so."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from training.selection import ends_of_ties


def fit_threshold(
    confidence: NDArray[np.float32], right: NDArray[np.bool_], target: float, level: float = 0.9
) -> float:
    """The lowest confidence at and above which `target` precision is reached, with confidence `level`.

    Precision counts as reached where its one-sided lower bound is at or above the target (Clopper and Pearson 1934): a
    lucky streak of few rows does not open the gate.

    Args:
        confidence: n top probabilities of held-back rows.
        right: n flags, the lenient ones.
        target: precision between 0 and 1.

    Returns:
        The threshold, rounded down to four digits; 1.0 (abstain always) where no confidence reaches the target.
    """
    order = np.argsort(-confidence, kind="stable")
    taken = np.arange(1, len(order) + 1)
    sure = lower_bound(np.cumsum(right[order]), taken, level) >= target
    # Rows of one confidence are answered together, or none of them is.
    reached = np.flatnonzero(sure & ends_of_ties(confidence[order]))
    if len(reached) == 0:
        return 1.0
    return math.floor(float(confidence[order][reached[-1]]) * 1e4) / 1e4


def lower_bound(hits: NDArray[np.int64], n: NDArray[np.int64], level: float) -> NDArray[np.float64]:
    """One-sided Clopper-Pearson lower bounds of `hits` out of `n`, element by element."""
    from scipy.stats import beta  # noqa: PLC0415 - scipy comes with scikit-learn, in training only

    bound: NDArray[np.float64] = np.where(hits > 0, beta.ppf(1 - level, np.maximum(hits, 1), n - hits + 1), 0.0)
    return bound
