"""Fitting the distances: what placed the centroids does not rank itself."""

from __future__ import annotations

import numpy as np
import pytest

from training.head_fitting import Split
from training.outlier_fitting import fit_outlyingness

CLASSES = ("a", "b")
DIM, ROWS, SEEN = 60, 400, 200
# Two clusters that vary much along one direction and little along the others.
SPREAD = np.where(np.arange(DIM) == 0, 5.0, 0.5)


def _drawn(seed: int) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    labels = [CLASSES[row % 2] for row in range(ROWS)]
    centres = np.array([[0.0] * DIM if label == "a" else [3.0] * DIM for label in labels])
    return (centres + SPREAD * rng.normal(size=(ROWS, DIM))).astype(np.float32), labels


def test_new_rows_are_as_strange_as_held_back_ones() -> None:
    """Of new rows about five in a hundred lie over the 95th percentile; of the fit rows hardly any."""
    vectors, labels = _drawn(0)
    near = fit_outlyingness(vectors, labels, Split(np.arange(SEEN), np.arange(SEEN, ROWS)), CLASSES)
    fresh = near.percentiles(_drawn(1)[0])
    assert 0.01 < np.mean(fresh > 95) < 0.12
    assert 40 < np.median(fresh) < 60
    assert np.mean(near.percentiles(vectors[:SEEN]) > 95) < np.mean(fresh > 95) / 2


def test_directions_without_variety_weigh_more() -> None:
    """Where rows hardly vary the same step is stranger than where they vary much; the centroids are means."""
    vectors, labels = _drawn(0)
    near = fit_outlyingness(vectors, labels, Split(np.arange(SEEN), np.arange(SEEN, ROWS)), CLASSES)
    assert near.centroids[1] == pytest.approx(vectors[1:SEEN:2].mean(axis=0), abs=1e-5)
    steps = 4 * np.eye(DIM, dtype=np.float32)
    wide, narrow = near.distances(near.centroids[0] - steps[:2])
    assert narrow > 3 * wide


def test_what_lies_between_the_classes_is_strange() -> None:
    """The covariance is the one within classes: how far they are apart makes nothing between them ordinary."""
    vectors, labels = _drawn(0)
    near = fit_outlyingness(vectors, labels, Split(np.arange(SEEN), np.arange(SEEN, ROWS)), CLASSES)
    middle = near.centroids.mean(axis=0, keepdims=True)
    assert near.distances(middle)[0] > 10
    assert near.percentiles(middle)[0] == 100
