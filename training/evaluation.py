"""How good a classifier is on gold rows: per class, per slice, calibrated or not, and how sure each figure is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import Flags, Interval, Resampling, bounds, interval, paired_difference
from training.calibration import Calibration, calibrate, calibration_error
from training.class_scores import ClassScore, class_scores, confusion_counts, macro_f1
from training.gold import Gold, gold_digest
from training.selection import RiskPoint, coverage_at, coverage_interval, risk_curve
from training.slices import (
    RULE_WRONG,
    LanguageScore,
    PairScore,
    SliceScore,
    language_scores,
    pair_scores,
    rule_hits,
    slice_scores,
)

__all__ = [
    "ClassScore", "Evaluation", "Flags", "Probabilities", "SliceScore", "calibration_error", "coverage_at", "evaluate",
    "hits", "interval", "paired_difference",
]  # fmt: skip

Probabilities = NDArray[np.float32]

_SHARES = ("strict", "lenient", "answered", "answered_lenient")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one classifier on one gold set; shares and probabilities in [0, 1].

    `strict` counts the label, `lenient` also the other acceptable one. `coverage_at_97` is the largest share of
    prompts, most confident first, that stays at 97 % lenient; `answered` the share at or above `threshold`, right in
    `answered_lenient` of them. `intervals` has the 95 % interval of each of these by its name, and of `macro_f1` and
    `brier`; the other figures carry theirs. `confusion` has gold rows and predicted columns in the order of
    `classes`. Slices come worst first.
    """

    n: int
    digest: str
    classes: tuple[str, ...]
    threshold: float
    strict: float
    lenient: float
    macro_f1: float
    brier: float
    coverage_at_97: float
    answered: float
    answered_lenient: float
    intervals: dict[str, Interval]
    labels: dict[str, ClassScore]
    confusion: list[list[int]]
    calibration: Calibration
    risk_coverage: tuple[RiskPoint, ...]
    slices: dict[str, SliceScore]
    languages: dict[str, LanguageScore]
    pairs: dict[str, PairScore]

    @property
    def strict_95(self) -> Interval:
        """The 95 % interval of `strict`."""
        return self.intervals["strict"]

    @property
    def ece(self) -> float:
        """The expected calibration error over ten equal-width bins."""
        return self.calibration.ece

    @property
    def worst_class(self) -> str:
        """The class of the lowest recall, among those that have rows."""
        recalls = {label: score.recall for label, score in self.labels.items() if score.n}
        return min(recalls, key=lambda label: recalls[label])

    @property
    def rule_wrong(self) -> SliceScore | None:
        """Accuracy where the keyword rule is wrong, if it ever is."""
        return self.slices.get(RULE_WRONG)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        derived = {"strict_95": self.strict_95, "ece": self.ece, "ece_inside_band": self.calibration.inside}
        return asdict(self) | derived

    def metrics(self) -> dict[str, float]:
        """Flat figures for a tracker or a manifest, to six digits: the same rows give the same ones."""
        return _rounded({name: value for name, (value, _) in self._figures().items()} | self._band())

    def bounds(self) -> dict[str, float]:
        """The intervals of `metrics` for a tracker: `<name>_low` and `<name>_high`, to six digits."""
        sides = {name: sure for name, (_, sure) in self._figures().items()}
        low, high = (
            {f"{name}_{side}": sure[i] for name, sure in sides.items()} for i, side in enumerate(("low", "high"))
        )
        return _rounded(low | high)

    def part_metrics(self) -> dict[str, float]:
        """Strict and lenient accuracy of each slice for a tracker: `slice/<name>/strict` and `slice/<name>/lenient`."""
        strict = {f"slice/{name}/strict": score.strict for name, score in self.slices.items()}
        return _rounded(strict | {f"slice/{name}/lenient": score.lenient for name, score in self.slices.items()})

    def _figures(self) -> dict[str, tuple[float, Interval]]:
        names = ("strict", "lenient", "macro_f1", "brier", "coverage_at_97", "answered", "answered_lenient")
        figures = {name: (float(getattr(self, name)), self.intervals[name]) for name in names}
        for label, score in self.labels.items():
            figures[f"precision_{label}"] = (score.precision, score.precision_95)
            figures[f"recall_{label}"] = (score.recall, score.recall_95)
            figures[f"f1_{label}"] = (score.f1, score.f1_95)
        worst = self.labels[self.worst_class]
        figures["worst_recall"] = (worst.recall, worst.recall_95)
        figures["calibration_slope"] = (self.calibration.slope, self.calibration.slope_95)
        if self.rule_wrong:
            figures["rule_wrong_strict"] = (self.rule_wrong.strict, self.rule_wrong.strict_95)
        if self.pairs:
            figures["pairs_both_right"] = (self.pairs["all"].both_right, self.pairs["all"].both_right_95)
        return figures

    def _band(self) -> dict[str, float]:
        low, high = self.calibration.band
        inside = float(self.calibration.inside)
        return {"ece": self.ece, "ece_band_low": low, "ece_band_high": high, "ece_inside_band": inside}


def evaluate(
    gold: Sequence[Gold], probabilities: Probabilities, classes: Sequence[str], threshold: float
) -> Evaluation:
    """Score float32 probabilities of shape (len(gold), len(classes)); rows under `threshold` count as abstained.

    Intervals are 95 % bootstrap intervals over the rows' groups (`training.bootstrap`).
    """
    strict, lenient = hits(gold, probabilities, classes)
    confidence = probabilities.max(axis=1)
    true = np.array([list(classes).index(row.intent) for row in gold])
    said = probabilities.argmax(axis=1)
    answered = confidence >= threshold
    resampling = Resampling.of_groups([row.group for row in gold])
    f1, f1_95 = macro_f1(true, said, classes, resampling)
    covered = coverage_at(confidence, lenient, 0.97)
    squares = ((probabilities - np.eye(len(classes))[true]) ** 2).sum(axis=1)
    return Evaluation(
        n=len(gold),
        digest=gold_digest(gold),
        classes=tuple(classes),
        threshold=threshold,
        strict=float(strict.mean()),
        lenient=float(lenient.mean()),
        macro_f1=f1,
        brier=float(squares.mean()),
        coverage_at_97=covered,
        answered=float(answered.mean()),
        answered_lenient=float(lenient[answered].mean()) if answered.any() else 0.0,
        intervals=_share_intervals(strict, lenient, answered, resampling)
        | {
            "macro_f1": f1_95,
            "brier": bounds(resampling.ratios(squares[:, None], np.ones((len(gold), 1))))[0],
            "coverage_at_97": resampling.widened(
                coverage_interval(confidence, lenient, 0.97, resampling), covered, np.ones_like(lenient)
            ),
        },
        labels=class_scores(true, said, classes, resampling),
        confusion=confusion_counts(true, said, len(classes)),
        calibration=calibrate(probabilities, true, resampling),
        risk_coverage=risk_curve(confidence, strict, lenient, resampling),
        slices=slice_scores(gold, strict, lenient, rule_hits(gold), resampling),
        languages=language_scores(gold, strict, answered, resampling),
        pairs=pair_scores(gold, strict, resampling),
    )


def hits(gold: Sequence[Gold], probabilities: Probabilities, classes: Sequence[str]) -> tuple[Flags, Flags]:
    """Strict and lenient hits, a flag a row."""
    return label_hits(gold, [classes[i] for i in probabilities.argmax(axis=1)])


def label_hits(gold: Sequence[Gold], said: Sequence[str]) -> tuple[Flags, Flags]:
    """Strict and lenient hits of one label a row, a flag a row."""
    strict = np.array([row.intent == label for row, label in zip(gold, said, strict=True)])
    either = np.array([label in (row.intent, row.second) for row, label in zip(gold, said, strict=True)])
    return strict, either


def _share_intervals(strict: Flags, lenient: Flags, answered: Flags, resampling: Resampling) -> dict[str, Interval]:
    everything = np.ones_like(strict)
    hit = np.column_stack([strict, lenient, answered, lenient & answered])
    among = np.column_stack([everything, everything, everything, answered])
    return dict(zip(_SHARES, resampling.shares(hit, among), strict=True))


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in figures.items()}
