"""How steady a classifier is: labels that flip under edits that change nothing, previews that can be made dearer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import Flags, Floats, Interval, Resampling, bounds
from training.gadgets import GADGETS
from training.gold import Gold
from training.perturbations import PERTURBATIONS, variants

CHEAP = "preview"
_BATCH = 256


class Classifies(Protocol):
    """The part of `IntentClassifier` that is measured."""

    threshold: float

    @property
    def classes_(self) -> tuple[str, ...]:
        """The labels, in the order of `predict_proba`'s columns."""

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities, float32 of shape (len(texts), len(classes_))."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` prompts in [0, 1], with its 95 % bootstrap interval over the prompts' groups."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True)
class Flips:
    """How often the label changes, by perturbation; a prompt with several variants counts by their mean.

    A perturbation that applies to none of the prompts is left out, also of the mean.
    """

    by_perturbation: Mapping[str, Share]
    mean: Share

    @property
    def worst(self) -> str:
        """The perturbation that flips most."""
        return max(self.by_perturbation, key=lambda name: self.by_perturbation[name].value)


@dataclass(frozen=True, slots=True)
class Pushes:
    """Of the prompts that are previews and are classified so: how many a gadget makes a dearer class of.

    `mean` is over the gadgets, `some` the share that at least one gadget pushes. `unsure` is the mean share, of the
    prompts answered without a gadget, that keep the label and abstain with it: the default model, not the cheap one,
    draws those.
    """

    by_gadget: Mapping[str, Share]
    mean: Share
    some: Share
    unsure: Share

    @property
    def worst(self) -> str:
        """The gadget that pushes most."""
        return max(self.by_gadget, key=lambda name: self.by_gadget[name].value)


@dataclass(frozen=True, slots=True)
class Robustness:
    """Both, on one set of prompts; no pushes where no preview is classified as one."""

    prompts: int
    flips: Flips
    pushes: Pushes | None

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        row = asdict(self)
        row["flips"]["worst"] = self.flips.worst
        if self.pushes:
            row["pushes"]["worst"] = self.pushes.worst
        return row


def measure(
    classifier: Classifies,
    gold: Sequence[Gold],
    seed: int = 0,
    draws: int = 4,
    advance: Callable[[int], None] = lambda _: None,
) -> Robustness:
    """Perturb every prompt, put every gadget around the previews, and count what changes.

    Args:
        gold: labelled prompts; the labels only say which are previews.
        draws: variants of a prompt by each perturbation, at most; equal ones count once.
        advance: hears of every batch's number of prompts (see `workload`).
    """
    ask = _Asking(classifier, advance)
    labels = ask.labels([row.prompt for row in gold])
    flips = _flips(ask, gold, labels, seed, draws)
    previews = [row for row, label in zip(gold, labels, strict=True) if row.intent == CHEAP == label]
    return Robustness(len(gold), flips, _pushes(ask, previews) if previews else None)


def workload(gold: Sequence[Gold], draws: int = 4) -> int:
    """How many prompts `measure` classifies at most."""
    previews = sum(row.intent == CHEAP for row in gold)
    return len(gold) * (1 + len(PERTURBATIONS) * draws) + previews * (1 + len(GADGETS))


class _Asking:
    """A classifier that is asked in batches, and tells of them."""

    def __init__(self, classifier: Classifies, advance: Callable[[int], None]) -> None:
        self._classifier, self._advance = classifier, advance

    def labels(self, prompts: Sequence[str]) -> list[str]:
        """The label of each prompt."""
        return [label for label, _ in self.answers(prompts)]

    def answers(self, prompts: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """The label of each prompt, and whether it is given with confidence enough."""
        for start in range(0, len(prompts), _BATCH):
            batch = prompts[start : start + _BATCH]
            for row in self._classifier.predict_proba(batch):
                top = int(row.argmax())
                yield self._classifier.classes_[top], bool(row[top] >= self._classifier.threshold)
            self._advance(len(batch))


def _flips(ask: _Asking, gold: Sequence[Gold], labels: Sequence[str], seed: int, draws: int) -> Flips:
    rates, applies = np.zeros((len(gold), len(PERTURBATIONS))), np.zeros((len(gold), len(PERTURBATIONS)), dtype=bool)
    for column, perturb in enumerate(PERTURBATIONS.values()):
        edited = [variants(row.prompt, perturb, draws, seed) for row in gold]
        said = iter(ask.labels([text for texts in edited for text in texts]))
        for row, texts in enumerate(edited):
            flipped = [next(said) != labels[row] for _ in texts]
            rates[row, column] = np.mean(flipped) if flipped else 0.0
            applies[row, column] = bool(flipped)
    used = np.flatnonzero(applies.any(axis=0))
    names = [list(PERTURBATIONS)[column] for column in used]
    return _summed_flips(names, rates[:, used], applies[:, used], Resampling.of_groups([row.group for row in gold]))


def _summed_flips(names: Sequence[str], rates: Floats, applies: Flags, resampling: Resampling) -> Flips:
    """`rates` and `applies` are (n, perturbations): the share of a prompt's variants that flip, if there are any."""
    values = rates.sum(axis=0) / applies.sum(axis=0)
    drawn = resampling.ratios(rates, applies)
    sides = [
        resampling.widened(side, value, applies[:, i])
        for i, (side, value) in enumerate(zip(bounds(drawn), values, strict=True))
    ]
    by_name = {
        name: Share(float(value), side, int(n))
        for name, value, side, n in zip(names, values, sides, applies.sum(axis=0), strict=True)
    }
    together = float(values.mean())
    mean = resampling.widened(bounds(drawn.mean(axis=1)[:, None])[0], together, applies.max(axis=1))
    return Flips(by_name, Share(together, mean, len(rates)))


def _pushes(ask: _Asking, previews: Sequence[Gold]) -> Pushes:
    prompts = [row.prompt for row in previews]
    answered = np.array([sure for _, sure in ask.answers(prompts)])
    moved = np.zeros((len(prompts), len(GADGETS)), dtype=bool)
    unsure = np.zeros_like(moved)
    for column, gadget in enumerate(GADGETS):
        for row, (label, sure) in enumerate(ask.answers([gadget.around(prompt) for prompt in prompts])):
            moved[row, column] = label != CHEAP
            unsure[row, column] = answered[row] and label == CHEAP and not sure
    resampling = Resampling.of_groups([row.group for row in previews])
    everyone = np.ones(len(prompts), dtype=bool)
    return Pushes(
        {gadget.name: _share(moved[:, i], everyone, resampling) for i, gadget in enumerate(GADGETS)},
        mean=_share(moved.mean(axis=1), everyone, resampling),
        some=_share(moved.max(axis=1), everyone, resampling),
        unsure=_share(unsure.mean(axis=1), answered, resampling),
    )


def _share(values: NDArray[Any], among: Flags, resampling: Resampling) -> Share:
    """The mean of n `values` in [0, 1] over the rows `among`; values elsewhere are 0."""
    share = float(values.sum() / max(among.sum(), 1))
    side = bounds(resampling.ratios(values[:, None], among[:, None]))[0]
    return Share(share, resampling.widened(side, share, among), int(among.sum()))
