"""Fitting what a prompt's strangeness is measured by: class centroids, their covariance, and held-back distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classifier.outlyingness import QUANTILES, Outlyingness
from training.head_fitting import Split

Floats = NDArray[np.float32]


def fit_outlyingness(vectors: Floats, labels: Sequence[str], split: Split, classes: Sequence[str]) -> Outlyingness:
    """Centroids and covariance of the split's fit rows, quantiles of its held-back rows' distances.

    Args:
        vectors: unit embeddings, float32 of shape (n, dim).
        labels: n labels.
        classes: the k labels, in the order of the centroids.
    """
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415

    exact = vectors[split.fit].astype(np.float64)
    numbers = np.array([list(classes).index(labels[row]) for row in split.fit])
    centroids = np.stack([exact[numbers == number].mean(axis=0) for number in range(len(classes))])
    covariance, _ = ledoit_wolf(exact - centroids[numbers], assume_centered=True)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    unranked = Outlyingness(
        centroids.astype(np.float32), whitening.astype(np.float32), np.zeros(QUANTILES, dtype=np.float32)
    )
    quantiles = np.quantile(unranked.distances(vectors[split.held_back]), np.linspace(0.0, 1.0, QUANTILES))
    return replace(unranked, quantiles=quantiles.astype(np.float32))
