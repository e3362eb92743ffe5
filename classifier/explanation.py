"""Why a prompt was decided as it was: what its surface features add to the decision, and what each word does to it.

The decision is the log-odds between the top intent and the runner-up, after calibration: positive numbers speak for the
top intent, negative ones for the runner-up. The head is linear, so that features, embedding and bias add up to the
log-odds exactly. Words work through the encoder, which is not linear: each is measured by leaving it out (occlusion,
Zeiler and Fergus 2014), and their effects need not add up.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.features import SurfaceFeatures
from classifier.head import LinearHead
from classifier.model import IntentClassifier, Prediction
from classifier.text import normalise

# Each of them is encoded once: this bounds what one explanation costs.
MAX_SPANS = 60


@dataclass(frozen=True, slots=True)
class FeatureContribution:
    """What a surface feature adds to the log-odds; `value` is in [0, 1], 0 where the prompt does not show it."""

    name: str
    value: float
    contribution: float


@dataclass(frozen=True, slots=True)
class WordEffect:
    """How far the log-odds fall when `text`, a word or a span of them, is left out of the prompt."""

    text: str
    effect: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A prediction taken apart.

    `log_odds`, natural logarithm, are those of `prediction.intent` against `runner_up`; `bias`, `embedding` and the
    contributions of `features` add up to them. They are the head's, also of a prompt whose script it cannot read.
    `features` are all of the bundle's, the weightiest first; `words` make up the normalised prompt, in its order.
    """

    prediction: Prediction
    runner_up: str
    log_odds: float
    bias: float
    embedding: float
    features: tuple[FeatureContribution, ...]
    words: tuple[WordEffect, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data, but for the prediction, which stands beside it."""
        row = asdict(self)
        del row["prediction"]
        return row


def explain(classifier: IntentClassifier, prompt: str) -> Explanation:
    """Explain the prediction of one prompt: at most `MAX_SPANS` variants of it are encoded, all in one batch."""
    spans = _spans(normalise(prompt).split())
    variants = [" ".join(spans[:i] + spans[i + 1 :]) for i in range(len(spans))]
    inputs = classifier.inputs([" ".join(spans), *variants])
    [prediction] = classifier.predict_inputs(inputs[:1], [" ".join(spans)])
    top, second = np.argsort([-prediction.probabilities[label] for label in classifier.classes_], kind="stable")[:2]
    slopes, bias = _difference(classifier.head, int(top), int(second))
    products = inputs[0].astype(np.float64) * slopes
    dim = len(slopes) - len(classifier.features.specs)
    embedding, log_odds = math.fsum(products[:dim]), math.fsum([bias, *products])
    effects = log_odds - (inputs[1:].astype(np.float64) @ slopes + bias)
    return Explanation(
        prediction,
        classifier.classes_[second],
        log_odds,
        bias,
        embedding,
        _weightiest_first(classifier.features, inputs[0, dim:], products[dim:]),
        tuple(WordEffect(span, float(effect)) for span, effect in zip(spans, effects, strict=True)),
    )


def _spans(words: list[str]) -> list[str]:
    """The words themselves, or as many spans as are allowed, of as equal a number of words as can be."""
    count = min(len(words), MAX_SPANS)
    ends = [len(words) * i // count for i in range(count + 1)] if count else []
    return [" ".join(words[start:end]) for start, end in pairwise(ends)]


def _difference(head: LinearHead, top: int, second: int) -> tuple[NDArray[np.float64], float]:
    """Slopes and bias of the log-odds between two classes."""
    weights, bias = head.weights.astype(np.float64), head.bias.astype(np.float64)
    slopes: NDArray[np.float64] = (weights[top] - weights[second]) / head.temperature
    return slopes, float((bias[top] - bias[second]) / head.temperature)


def _weightiest_first(
    features: SurfaceFeatures, values: NDArray[np.float32], products: NDArray[np.float64]
) -> tuple[FeatureContribution, ...]:
    rows = [
        # A slope times nothing may be minus nothing, which reads like a number.
        FeatureContribution(name, float(value), float(product) + 0.0)
        for name, value, product in zip(features.names, values, products, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -abs(row.contribution)))
