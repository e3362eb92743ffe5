"""Two sides on the same rows: the interval of their difference, who is right where, and every prompt that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from training.bootstrap import Flags, paired_difference
from training.gold import Gold

Verdict = Literal["worse", "better", "same"]
_ORDER: tuple[Verdict, ...] = ("worse", "better", "same")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strict accuracy of two sides on the same rows, and the 95 % interval of their difference (paired bootstrap)."""

    ours: float
    theirs: float
    difference: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return (
            f"{self.ours:.3f} against {self.theirs:.3f} on {self.n} test prompts: "
            f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Rows by who is right, strictly. `p` is McNemar's (1947), exact: how often even odds part one-sided rows so."""

    both: int
    only_ours: int
    only_theirs: int
    neither: int
    p: float

    def __str__(self) -> str:
        return (
            f"right: both {self.both}, only the first {self.only_ours}, only the second {self.only_theirs}, "
            f"neither {self.neither}; McNemar's exact p {self.p:.2g}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A prompt that the two sides label differently; `verdict` is ours beside theirs, by the gold label alone."""

    prompt: str
    gold: str
    second: str | None
    ours: str
    theirs: str
    verdict: Verdict


def compare_flags(ours: Flags, theirs: Flags, gold: Sequence[Gold]) -> Comparison:
    """The difference of two sides' strict hits, a flag a row; rows of one group are drawn together."""
    difference, low, high = paired_difference(ours, theirs, groups=[row.group for row in gold])
    return Comparison(float(ours.mean()), float(theirs.mean()), difference, low, high, len(ours))


def agreement(ours: Flags, theirs: Flags) -> Agreement:
    """Who is right where, from two sides' strict hits, a flag a row."""
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    p = _mcnemar(only_ours, only_theirs)
    return Agreement(int((ours & theirs).sum()), only_ours, only_theirs, int((~ours & ~theirs).sum()), p)


def changes(gold: Sequence[Gold], ours: Sequence[str], theirs: Sequence[str]) -> list[Change]:
    """The rows whose label differs: the worse ones first, then the better, then those no better or worse."""
    found = [
        Change(row.prompt, row.intent, row.second, our, their, _verdict(row.intent, our, their))
        for row, our, their in zip(gold, ours, theirs, strict=True)
        if our != their
    ]
    return sorted(found, key=lambda change: _ORDER.index(change.verdict))


def counted(found: Sequence[Change]) -> dict[str, int]:
    """How many changes are worse, better and the same."""
    counts = Counter(change.verdict for change in found)
    return {verdict: counts[verdict] for verdict in _ORDER}


def _verdict(gold: str, ours: str, theirs: str) -> Verdict:
    return "better" if ours == gold else "worse" if theirs == gold else "same"


def _mcnemar(one: int, other: int) -> float:
    """Two-sided exact binomial test of `one` against `other` at even odds (McNemar 1947)."""
    from scipy.stats import binomtest  # noqa: PLC0415 - scipy comes with scikit-learn, in training only

    return float(binomtest(one, one + other).pvalue) if one + other else 1.0
