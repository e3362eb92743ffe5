"""Who may serve: gates on the frozen test set, and the way there and back.

A gate always scores both sides on today's test file: figures of two different test sets are never compared.
"""

from __future__ import annotations

from pathlib import Path

from classifier.champion import (
    REGISTERED_MODEL,
    Champion,
    keep_bundle,
    kept_bundle,
    read_champion,
    read_champions,
    write_champions,
)
from classifier.errors import ChampionError
from classifier.home import Home
from classifier.model import IntentClassifier
from training.comparison import Comparison, compare_flags
from training.errors import GateError
from training.evaluation import Flags, hits
from training.gold import Gold, load_gold
from training.registry import Registry
from training.slices import rule_hits

# A fall of a whole point on the test set is no noise worth shipping, even where its interval still touches zero.
_TOLERATED_FALL = 0.01


def promote(home: Home, registry: Registry, test: Path, version: str | None = None) -> tuple[Champion, Comparison]:
    """Make a version (the challenger by default) the champion, if the gate lets it.

    The first champion has to beat the keyword rule; a later one must not be worse than the champion.

    Raises:
        GateError: the gate refuses; nothing has changed.
        RegistryError: the store has not got the version.
    """
    number, run_id = registry.resolve(version)
    with registry.downloaded(f"models:/{REGISTERED_MODEL}/{number}") as folder:
        comparison = _gate(home, folder, test)
        champion = Champion(number, keep_bundle(home, folder).name, run_id)
    before = [c for c in read_champions(home) if c != champion]
    registry.set_champion(number)
    write_champions(home, [champion, *before])
    return champion, comparison


def rollback(home: Home, registry: Registry) -> Champion:
    """Serve the champion before this one again.

    Raises:
        ChampionError: there is none.
    """
    champions = read_champions(home)
    if len(champions) < 2:
        raise ChampionError("no earlier champion to roll back to")
    registry.set_champion(champions[1].version)
    write_champions(home, champions[1:])
    return champions[1]


def compare(ours: IntentClassifier, theirs: IntentClassifier, gold: list[Gold]) -> Comparison:
    """Both classifiers on the same gold rows."""
    return compare_flags(_strict(ours, gold), _strict(theirs, gold), gold)


def compare_with_rule(ours: IntentClassifier, gold: list[Gold]) -> Comparison:
    """A classifier against the keyword rule on the same gold rows."""
    return compare_flags(_strict(ours, gold), rule_hits(gold), gold)


def _gate(home: Home, folder: Path, test: Path) -> Comparison:
    candidate = IntentClassifier.from_pretrained(folder)
    gold = load_gold(test, candidate.classes_)
    if not read_champions(home):
        return _beats_rule(compare_with_rule(candidate, gold))
    champion = IntentClassifier.from_pretrained(kept_bundle(home, read_champion(home).bundle))
    return _not_worse(compare(candidate, champion, gold))


def _beats_rule(comparison: Comparison) -> Comparison:
    if comparison.low <= 0:
        raise GateError(
            f"not promoted: the classifier does not beat the keyword rule, {comparison}. More or better data helps."
        )
    return comparison


def _not_worse(comparison: Comparison) -> Comparison:
    if comparison.high < 0 or comparison.difference < -_TOLERATED_FALL:
        raise GateError(f"not promoted: worse than the champion, {comparison}")
    return comparison


def _strict(classifier: IntentClassifier, gold: list[Gold]) -> Flags:
    return hits(gold, classifier.predict_proba([row.prompt for row in gold]), classifier.classes_)[0]
