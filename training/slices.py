"""Accuracy on parts of a gold set: named slices, languages, contrast pairs, and what the keyword rule gets wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.script import LATIN, main_script
from classifier.text import normalise
from training.bootstrap import Flags, Interval, Resampling, bounds
from training.gold import Gold
from training.keyword_rule import keyword_intents

RULE_WRONG, RULE_RIGHT = "keyword rule:wrong", "keyword rule:right"
_CONTRAST = "tag:contrast"
_LANGUAGE, _REFERENCE = "language:", "language:en"
POOLS = _LATIN_SCRIPT, _OTHER_SCRIPTS = "Latin script but en", "other scripts"
# Writers tag freely: a tag of a few rows says nothing but its own noise.
_FEWEST_OF_A_TAG = 20


@dataclass(frozen=True, slots=True)
class SliceScore:
    """Accuracy on the `n` rows of one slice, with 95 % intervals."""

    n: int
    strict: float
    lenient: float
    strict_95: Interval
    lenient_95: Interval


@dataclass(frozen=True, slots=True)
class LanguageScore:
    """Strict accuracy on the `n` rows of one language, and as a share of the accuracy in English.

    `safe` is the share that is right or abstained from.
    """

    n: int
    strict: float
    strict_95: Interval
    relative: float
    relative_95: Interval
    safe: float
    safe_95: Interval


@dataclass(frozen=True, slots=True)
class PairScore:
    """Of `n` contrast pairs, the share with every member right, and its 95 % interval."""

    n: int
    both_right: float
    both_right_95: Interval


def rule_hits(gold: Sequence[Gold]) -> Flags:
    """Which rows the keyword rule gets right, strictly."""
    said = keyword_intents([row.prompt for row in gold])
    return np.array([label == row.intent for label, row in zip(said, gold, strict=True)])


def slice_scores(
    gold: Sequence[Gold], strict: Flags, lenient: Flags, rule: Flags, resampling: Resampling
) -> dict[str, SliceScore]:
    """Every slice by name, worst first; a tag needs twenty rows. `rule` flags what the keyword rule gets right."""
    parts = _parts(gold) | {RULE_WRONG: ~rule, RULE_RIGHT: rule}
    names = [name for name, inside in parts.items() if inside.any()]
    inside = np.column_stack([parts[name] for name in names])
    sure = [resampling.shares(inside & flags[:, None], inside) for flags in (strict, lenient)]
    scores = {
        name: SliceScore(
            int(inside[:, i].sum()),
            float(strict[inside[:, i]].mean()),
            float(lenient[inside[:, i]].mean()),
            sure[0][i],
            sure[1][i],
        )
        for i, name in enumerate(names)
    }
    return dict(sorted(scores.items(), key=lambda item: (item[1].strict, item[0])))


def language_scores(
    gold: Sequence[Gold], strict: Flags, answered: Flags, resampling: Resampling
) -> dict[str, LanguageScore]:
    """Each language beside English, and the others together by script; empty without English or without another."""
    parts = {name: flags for name, flags in _parts(gold).items() if name.startswith(_LANGUAGE)}
    if _REFERENCE not in parts or len(parts) < 2:
        return {}
    english = parts.pop(_REFERENCE)
    named = (
        {"en": english} | {name.removeprefix(_LANGUAGE): parts[name] for name in sorted(parts)} | _pools(gold, parts)
    )
    inside, safe = np.column_stack(list(named.values())), strict | ~answered
    sure, safely = (resampling.shares(inside & flags[:, None], inside) for flags in (strict, safe))
    drawn = resampling.ratios(inside & strict[:, None], inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = bounds(np.where(drawn[:, :1] > 0, drawn / drawn[:, :1], np.nan))
    base = float(strict[english].mean())
    return {
        name: LanguageScore(int(flags.sum()), share := float(strict[flags].mean()), sure[i],
                            share / base if base else 0.0, relative[i], float(safe[flags].mean()), safely[i])
        for i, (name, flags) in enumerate(named.items())
    }  # fmt: skip


def _pools(gold: Sequence[Gold], foreign: Mapping[str, Flags]) -> dict[str, Flags]:
    together = np.logical_or.reduce(list(foreign.values()))
    latin = np.array([main_script(normalise(row.prompt)) == LATIN for row in gold])
    pools = {_LATIN_SCRIPT: together & latin, _OTHER_SCRIPTS: together & ~latin}
    return {name: flags for name, flags in pools.items() if flags.any()}


def pair_scores(gold: Sequence[Gold], strict: Flags, resampling: Resampling) -> dict[str, PairScore]:
    """Contrast pairs: `all`, then by the labels that meet in a pair; empty without pairs.

    A pair is what is tagged `contrast` in one group, two rows or more.
    """
    members: defaultdict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(gold):
        if _CONTRAST in row.slices:
            members[row.group].append(i)
    pairs = {pair[0]: pair for pair in members.values() if len(pair) > 1}
    if not pairs:
        return {}
    kinds = {first: " | ".join(sorted({gold[i].intent for i in pair})) for first, pair in pairs.items()}
    named = {"all": np.isin(np.arange(len(gold)), list(pairs))}
    for kind in sorted(set(kinds.values())):
        named[kind] = np.isin(np.arange(len(gold)), [first for first in pairs if kinds[first] == kind])
    # One row stands for its pair: the draws take whole groups, so it is drawn whenever its pair is.
    right = np.isin(np.arange(len(gold)), [first for first, pair in pairs.items() if strict[pair].all()])
    inside = np.column_stack(list(named.values()))
    sure = resampling.shares(inside & right[:, None], inside)
    return {
        name: PairScore(int(flags.sum()), float(right[flags].mean()), sure[i])
        for i, (name, flags) in enumerate(named.items())
    }


def _parts(gold: Sequence[Gold]) -> dict[str, Flags]:
    counted = Counter(name for row in gold for name in row.slices)
    names = [name for name, n in counted.items() if n >= _FEWEST_OF_A_TAG or not name.startswith("tag:")]
    return {name: np.array([name in row.slices for row in gold]) for name in sorted(names)}
