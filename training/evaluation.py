"""How good a classifier is on gold rows: per class, per slice, calibrated or not, and how sure each figure is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.gold import Gold, gold_digest

Flags = NDArray[np.bool_]
Probabilities = NDArray[np.float32]

_DRAWS = 2000
_BINS = 10


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class against the rest; `n` gold rows have it."""

    precision: float
    recall: float
    f1: float
    n: int


@dataclass(frozen=True, slots=True)
class SliceScore:
    """Accuracy on the `n` rows of one slice."""

    n: int
    strict: float
    lenient: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one classifier on one gold set; shares and probabilities in [0, 1].

    `strict` counts the label, `lenient` also the other acceptable one. `ece` is the expected calibration error over ten
    equal-width bins, `coverage_at_97` the largest share of prompts, most confident first, that stays at 97 % lenient.
    `confusion` has gold rows and predicted columns in the order of `classes`.
    """

    n: int
    digest: str
    classes: tuple[str, ...]
    strict: float
    strict_95: tuple[float, float]
    lenient: float
    macro_f1: float
    labels: dict[str, ClassScore]
    confusion: list[list[int]]
    ece: float
    brier: float
    coverage_at_97: float
    answered: float
    answered_lenient: float
    slices: dict[str, SliceScore]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        """Flat figures for a tracker or a manifest."""
        names = ("strict", "lenient", "macro_f1", "ece", "brier", "coverage_at_97", "answered", "answered_lenient")
        flat = {name: round(float(getattr(self, name)), 6) for name in names}
        return flat | {f"recall_{label}": round(score.recall, 6) for label, score in self.labels.items()}


def evaluate(
    gold: Sequence[Gold], probabilities: Probabilities, classes: Sequence[str], threshold: float
) -> Evaluation:
    """Score float32 probabilities of shape (len(gold), len(classes)); rows under `threshold` count as abstained."""
    strict, lenient = hits(gold, probabilities, classes)
    confidence = probabilities.max(axis=1)
    numbers = _numbers(gold, classes)
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (numbers, probabilities.argmax(axis=1)), 1)
    labels = {label: _class_score(confusion, i) for i, label in enumerate(classes)}
    answered = confidence >= threshold
    return Evaluation(
        n=len(gold),
        digest=gold_digest(gold),
        classes=tuple(classes),
        strict=float(strict.mean()),
        strict_95=interval(strict),
        lenient=float(lenient.mean()),
        macro_f1=float(np.mean([score.f1 for score in labels.values()])),
        labels=labels,
        confusion=confusion.tolist(),
        ece=calibration_error(confidence, strict),
        brier=float(((probabilities - np.eye(len(classes))[numbers]) ** 2).sum(axis=1).mean()),
        coverage_at_97=coverage_at(confidence, lenient, 0.97),
        answered=float(answered.mean()),
        answered_lenient=float(lenient[answered].mean()) if answered.any() else 0.0,
        slices=_slice_scores(gold, strict, lenient),
    )


def hits(gold: Sequence[Gold], probabilities: Probabilities, classes: Sequence[str]) -> tuple[Flags, Flags]:
    """Strict and lenient hits, a flag a row."""
    said = [classes[i] for i in probabilities.argmax(axis=1)]
    strict = np.array([row.intent == label for row, label in zip(gold, said, strict=True)])
    either = np.array([label in (row.intent, row.second) for row, label in zip(gold, said, strict=True)])
    return strict, either


def calibration_error(confidence: NDArray[np.float32], right: Flags) -> float:
    """Expected calibration error over equal-width bins, weighted by size (Guo et al. 2017)."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).sum() for b in np.unique(bins)]
    return float(sum(gaps) / len(right))


def coverage_at(confidence: NDArray[np.float32], right: Flags, precision: float) -> float:
    """Largest share of rows, most confident first and ties together, that stays at or above `precision`."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    kept = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= precision
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    reached = np.flatnonzero(kept & last_of_tie)
    return float(reached[-1] + 1) / len(order) if len(reached) else 0.0


def interval(flags: Flags, draws: int = _DRAWS) -> tuple[float, float]:
    """95 % bootstrap interval of a share (Efron's percentile method, fixed seed)."""
    return _percentiles(lambda rng: flags[rng.integers(0, len(flags), len(flags))].mean(), draws)


def paired_difference(ours: Flags, theirs: Flags, draws: int = _DRAWS) -> tuple[float, float, float]:
    """Mean and 95 % interval of ours minus theirs over the same rows, resampled together (paired bootstrap)."""
    gap = ours.astype(float) - theirs.astype(float)
    low, high = _percentiles(lambda rng: gap[rng.integers(0, len(gap), len(gap))].mean(), draws)
    return float(gap.mean()), low, high


def _percentiles(draw: Callable[[np.random.Generator], float], draws: int) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    low, high = np.percentile([draw(rng) for _ in range(draws)], [2.5, 97.5])
    return float(low), float(high)


def _numbers(gold: Sequence[Gold], classes: Sequence[str]) -> NDArray[np.int64]:
    return np.array([list(classes).index(row.intent) for row in gold])


def _class_score(confusion: NDArray[np.int64], i: int) -> ClassScore:
    hit, said, true = int(confusion[i, i]), int(confusion[:, i].sum()), int(confusion[i].sum())
    return ClassScore(
        hit / said if said else 0.0, hit / true if true else 0.0, 2 * hit / (said + true) if said + true else 0.0, true
    )


def _slice_scores(gold: Sequence[Gold], strict: Flags, lenient: Flags) -> dict[str, SliceScore]:
    names = sorted({name for row in gold for name in row.slices})
    scores = {}
    for name in names:
        inside = np.array([name in row.slices for row in gold])
        scores[name] = SliceScore(int(inside.sum()), float(strict[inside].mean()), float(lenient[inside].mean()))
    return scores
