"""The figures of several methods on one gold set, each with its interval, and each one's distance from ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.baselines import Answers, Numbers
from training.bootstrap import Flags, Resampling, bounds
from training.gold import Gold
from training.slices import RULE_WRONG

Replicates = NDArray[np.float64]
"""(1 + draws, ...): a figure of the rows themselves first, then of every draw of groups."""

_ENGLISH, _CONTRAST = "language:en", "tag:contrast"
_FEWEST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MethodScore:
    """One method on one gold set. `recall` has the classes that occur in it.

    `against_ours` is strict accuracy minus that of ours, on the same rows in the same draws.
    """

    strict: Figure
    lenient: Figure
    macro_f1: Figure
    recall: dict[str, Figure]
    against_ours: Figure


@dataclass(frozen=True, slots=True)
class SliceStrict:
    """Strict accuracy of each method on the `n` rows of one slice."""

    name: str
    n: int
    strict: dict[str, Figure]


class GoldDraws:
    """The same draws for everything that is measured on one gold set, so that differences are paired.

    Groups are drawn with replacement, and where a method was repeated, its repetitions too: an interval then covers
    other prompts and other repetitions.
    """

    def __init__(self, groups: Sequence[str]) -> None:
        self._resampling = Resampling.of_groups(groups)
        self._weights = np.vstack([np.ones(len(groups)), self._resampling.weights])

    def totals(self, values: NDArray[np.float64]) -> Replicates:
        """Sums over rows, (n, ...) -> (1 + draws, ...)."""
        sums: Replicates = np.tensordot(self._weights, values, axes=1)
        return sums

    def over_repetitions(self, replicates: Replicates) -> Replicates:
        """Means over r repetitions, (1 + draws, r) -> (1 + draws,)."""
        draws, repetitions = len(replicates) - 1, replicates.shape[1]
        drawn = np.random.default_rng(1).multinomial(repetitions, np.full(repetitions, 1 / repetitions), size=draws)
        means: Replicates = (replicates * np.vstack([np.ones(repetitions), drawn])).sum(axis=1) / repetitions
        return means

    def figure(self, replicates: Replicates, among: Flags | None = None) -> Figure:
        """Value and interval of (1 + draws,) replicates; a share `among` flagged rows gets Wilson's where all agree."""
        value, interval = float(replicates[0]), bounds(replicates[1:, None])[0]
        return Figure(value, *(interval if among is None else self._resampling.widened(interval, value, among)))


def method_scores(
    gold: Sequence[Gold], answers: Mapping[str, Answers], classes: Sequence[str], ours: str
) -> dict[str, MethodScore]:
    """Score every method's answers; `ours` names the one that the others are compared with."""
    draws = GoldDraws([row.group for row in gold])
    measured = {name: _replicates(gold, said, classes, draws) for name, said in answers.items()}
    numbers, reference = _numbers([row.intent for row in gold], classes), measured[ours]["strict"]
    return {name: _score(own, reference, numbers, classes, draws) for name, own in measured.items()}


def slice_scores(
    gold: Sequence[Gold], answers: Mapping[str, Answers], classes: Sequence[str], rule: Answers
) -> list[SliceStrict]:
    """Strict accuracy by length, language and contrast, and on the rows that the keyword `rule` gets wrong.

    Slices of fewer than ten rows are left out: they would say nothing.
    """
    draws = GoldDraws([row.group for row in gold])
    numbers = _numbers([row.intent for row in gold], classes)
    scores = []
    for name, inside in (named_slices(gold) | {RULE_WRONG: rule[0] != numbers}).items():
        if (n := int(inside.sum())) >= _FEWEST_ROWS:
            strict = {method: _share(said == numbers, inside, draws) for method, said in answers.items()}
            scores.append(SliceStrict(name, n, strict))
    return scores


def named_slices(gold: Sequence[Gold]) -> dict[str, Flags]:
    """A flag a row for each slice: lengths from short to long, English and the other languages, contrast pairs."""
    lengths = sorted({name for row in gold for name in row.slices if name.startswith("words:")}, key=_length)
    slices = {name: np.array([name in row.slices for row in gold]) for name in (*lengths, _ENGLISH)}
    slices["language:others"] = np.array(
        [any(name.startswith("language:") and name != _ENGLISH for name in row.slices) for row in gold]
    )
    slices[_CONTRAST] = np.array([_CONTRAST in row.slices for row in gold])
    return slices


def _length(name: str) -> int:
    return max(map(int, re.findall(r"\d+", name)), default=0) + ("over" in name)


def _share(right: Flags, inside: Flags, draws: GoldDraws) -> Figure:
    hit, size = draws.totals((right & inside).T.astype(float)), draws.totals(inside.astype(float)[:, None])
    return draws.figure(draws.over_repetitions(_ratio(hit, size)), inside)


def _ratio(part: Replicates, whole: Replicates) -> Replicates:
    """`part / whole`, NaN where a draw holds none of the whole."""
    shares: Replicates = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return shares


def _numbers(labels: Sequence[str | None], classes: Sequence[str]) -> Numbers:
    index = {label: number for number, label in enumerate(classes)}
    return np.array([index.get(label or "", -1) for label in labels])


def _replicates(gold: Sequence[Gold], said: Answers, classes: Sequence[str], draws: GoldDraws) -> dict[str, Replicates]:
    """Every figure as (1 + draws,), by name; recalls under `recall LABEL`."""
    numbers, seconds = _numbers([row.intent for row in gold], classes), _numbers([row.second for row in gold], classes)
    one_hot = np.eye(len(classes))
    # Gold class by said class, for each row and repetition: all figures but the lenient one follow from its sums.
    confusion = draws.totals(one_hot[numbers][:, None, :, None] * one_hot[said.T][:, :, None, :])
    hit, true, guessed = np.einsum("drii->dri", confusion), confusion.sum(axis=3), confusion.sum(axis=2)
    rows = true.sum(axis=2)
    lenient = draws.totals(((said == numbers) | (said == seconds)).T.astype(float))
    f1 = 2 * hit / np.maximum(true + guessed, 1)
    figures = {"strict": hit.sum(axis=2) / rows, "lenient": lenient / rows, "macro_f1": f1.mean(axis=2)}
    figures |= {f"recall {label}": _ratio(hit[:, :, i], true[:, :, i]) for i, label in enumerate(classes)}
    return {name: draws.over_repetitions(values) for name, values in figures.items()}


def _score(
    own: Mapping[str, Replicates], reference: Replicates, numbers: Numbers, classes: Sequence[str], draws: GoldDraws
) -> MethodScore:
    everywhere = np.ones(len(numbers), dtype=bool)
    present = {i: label for i, label in enumerate(classes) if (numbers == i).any()}
    return MethodScore(
        strict=draws.figure(own["strict"], everywhere),
        lenient=draws.figure(own["lenient"], everywhere),
        macro_f1=draws.figure(own["macro_f1"]),
        recall={label: draws.figure(own[f"recall {label}"], numbers == i) for i, label in present.items()},
        against_ours=draws.figure(own["strict"] - reference),
    )
