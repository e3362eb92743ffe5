"""Fitting the head: logistic regression over [embedding ; surface features], calibrated on rows it did not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.head import LinearHead
from classifier.intents import PLAIN
from training.config import TrainConfig
from training.errors import DatasetError

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers: `fit` rows train, `held_back` rows calibrate. Rows of one group stay together."""

    fit: NDArray[np.int64]
    held_back: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FittedHead:
    """The head as arrays, the scikit-learn estimator that gives the same probabilities, and what held-back rows got.

    `held_back` are calibrated probabilities of the split's held-back rows, float32 of shape (rows, k).
    """

    head: LinearHead
    estimator: Any
    held_back: Floats


def hold_back(labels: Sequence[str], groups: Sequence[str], parts: int, seed: int) -> Split:
    """Hold back one of `parts` parts, balanced by label; neither encoder nor head may see it before calibration.

    Raises:
        DatasetError: too few rows or groups for so many parts.
    """
    remedy = "write more prompts, or tag some for calibration"
    return _usable(next(_parted(labels, groups, parts, seed, remedy)), labels, remedy)


def folds(labels: Sequence[str], groups: Sequence[str], parts: int, seed: int) -> list[Split]:
    """Each of `parts` parts held back once; whole groups, balanced by label.

    Raises:
        DatasetError: too few rows or groups for so many parts.
    """
    remedy = "write more prompts, or ask for fewer parts"
    return [_usable(split, labels, remedy) for split in _parted(labels, groups, parts, seed, remedy)]


def _parted(labels: Sequence[str], groups: Sequence[str], parts: int, seed: int, remedy: str) -> Iterator[Split]:
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415

    most = max(Counter(labels).values(), default=0)
    if most < parts:
        raise DatasetError(f"no class has more than {most} prompts, too few to part them in {parts}: {remedy}")
    if len(set(groups)) < parts:
        raise DatasetError(f"{len(set(groups))} groups of prompts are too few groups for {parts} parts: {remedy}")
    parting = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    for fit, held_back in parting.split(np.zeros(len(labels)), list(labels), list(groups)):
        yield Split(fit, held_back)


def _usable(split: Split, labels: Sequence[str], remedy: str) -> Split:
    """Groups never part, so that a few large ones may leave nothing on one side."""
    lost = sorted(set(labels) - {labels[i] for i in split.fit})
    if lost:
        raise DatasetError(f"the prompts of {', '.join(lost)} are in too few groups to hold some back: {remedy}")
    if len(split.held_back) == 0:
        raise DatasetError(f"the prompts are in too few groups to hold some back: {remedy}")
    return split


def fit_head(
    inputs: Floats, dim: int, labels: Sequence[str], split: Split, classes: Sequence[str], config: TrainConfig
) -> FittedHead:
    """Fit, calibrate on the held-back rows, shift, and fold the features' scaling into plain weights.

    Args:
        inputs: float32 of shape (n, dim + features), the embedding first.
        labels: n labels.
        classes: the k labels, in the order of the head's rows.
    """
    numbers = np.array([list(classes).index(label) for label in labels])
    estimator = _pipeline(dim, inputs.shape[1], config)
    estimator.fit(inputs[split.fit], numbers[split.fit])
    logits = estimator.decision_function(inputs[split.held_back])
    temperature = fit_temperature(logits, numbers[split.held_back])
    shift = np.array([config.plain_shift * temperature if label == PLAIN else 0.0 for label in classes])
    estimator[-1].intercept_ -= shift
    head = _plain_head(estimator, dim, temperature, classes)
    # People who load head.joblib expect predict_proba to be the calibrated one.
    estimator[-1].coef_ /= temperature
    estimator[-1].intercept_ /= temperature
    return FittedHead(head, estimator, softmax((logits - shift) / temperature))


def fit_temperature(logits: NDArray[np.float64], numbers: NDArray[np.int64]) -> float:
    """The temperature of least cross-entropy on held-back logits (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415
    from sklearn.metrics import log_loss  # noqa: PLC0415

    k = range(logits.shape[1])
    found = minimize_scalar(
        lambda t: log_loss(numbers, softmax(logits / np.exp(t)), labels=list(k)), bounds=(-3.0, 3.0), method="bounded"
    )
    return float(np.exp(found.x))


def softmax(logits: NDArray[np.float64]) -> Floats:
    """Row-wise softmax, (n, k) -> float32 (n, k)."""
    from scipy.special import softmax as row_softmax  # noqa: PLC0415

    result: Floats = row_softmax(logits, axis=1).astype(np.float32)
    return result


def _pipeline(dim: int, width: int, config: TrainConfig) -> Any:
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    columns = ColumnTransformer(
        [("embedding", "passthrough", slice(0, dim)), ("features", StandardScaler(), slice(dim, width))],
        transformer_weights={"features": config.feature_weight},
    )
    # How many prompts of an intent were written says nothing of how many will be asked.
    return make_pipeline(columns, LogisticRegression(C=config.c, class_weight="balanced", max_iter=5000))


def _plain_head(estimator: Any, dim: int, temperature: float, classes: Sequence[str]) -> LinearHead:
    columns, regression = estimator[0], estimator[-1]
    scaler, weight = columns.named_transformers_["features"], columns.transformer_weights["features"]
    slopes = weight / scaler.scale_
    weights = regression.coef_.astype(np.float64).copy()
    weights[:, dim:] *= slopes
    bias = regression.intercept_ - weights[:, dim:] @ scaler.mean_
    return LinearHead(weights.astype(np.float32), bias.astype(np.float32), temperature, tuple(classes))
