"""When to abstain: the confidence from which the answers are right often enough."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def fit_threshold(confidence: NDArray[np.float32], right: NDArray[np.bool_], target: float) -> float:
    """The lowest confidence at which everything at or above it is right with at least `target` precision.

    Args:
        confidence: n top probabilities of held-back rows.
        right: n flags, the lenient ones.
        target: precision between 0 and 1.

    Returns:
        The threshold, rounded down to four digits; 1.0 (abstain always) where no confidence reaches the target.
    """
    order = np.argsort(-confidence, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(precision >= target)
    if len(reached) == 0:
        return 1.0
    return math.floor(float(confidence[order][reached[-1]]) * 1e4) / 1e4
