"""Who may serve: gates on the frozen test set, and the way there and back.

A gate always scores both sides on today's test file: figures of two different test sets are never compared.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from classifier.champion import (
    REGISTERED_MODEL,
    Champion,
    keep_bundle,
    kept_bundle,
    read_champions,
    write_champions,
)
from classifier.errors import BundleError, ChampionError
from classifier.home import Home
from classifier.model import IntentClassifier
from training.comparison import Comparison, compare_flags
from training.errors import GateError
from training.evaluation import Flags, hits
from training.gold import Gold, load_gold
from training.pointer_lock import pointer_locked
from training.registry import Registry
from training.slices import rule_hits

# A fall of a whole point on the test set is no noise worth shipping, even where its interval still touches zero.
_TOLERATED_FALL = 0.01


def promote(
    home: Home, registry: Registry, test: Path, warn: Callable[[str], None], version: str | None = None
) -> tuple[Champion, Comparison]:
    """Make a version (the challenger by default) the champion, if the gate lets it.

    The first champion has to beat the keyword rule; a later one must not be worse than the champion. A champion that
    cannot be served (its pointer or its bundle is damaged, gone, or of another format) can be compared with nobody:
    `warn` hears of it, the version after it counts as a first one, and no rollback returns to it.

    Raises:
        GateError: the gate refuses; nothing has changed.
        RegistryError: the store has not got the version.
        BundleError: the version's bundle cannot be proven, or what is kept under its name is another one.
    """
    number, run_id = registry.resolve(version)
    with registry.downloaded(f"models:/{REGISTERED_MODEL}/{number}") as folder, pointer_locked(home):
        standing, before = _standing(home, warn)
        comparison = _gate(IntentClassifier.from_pretrained(folder), standing, test)
        champion = Champion(number, keep_bundle(home, folder).name, run_id)
        registry.set_champion(number)
        write_champions(home, [champion, *(c for c in before if c != champion)])
    return champion, comparison


def rollback(home: Home, registry: Registry) -> Champion:
    """Serve the champion before this one again.

    Raises:
        ChampionError: there is none, or it cannot be served any more; nothing has changed.
    """
    with pointer_locked(home):
        champions = read_champions(home)
        if len(champions) < 2:
            raise ChampionError("no earlier champion to roll back to")
        _refuse_unusable(home, champions[1])
        registry.set_champion(champions[1].version)
        write_champions(home, champions[1:])
    return champions[1]


def compare(ours: IntentClassifier, theirs: IntentClassifier, gold: list[Gold]) -> Comparison:
    """Both classifiers on the same gold rows."""
    return compare_flags(_strict(ours, gold), _strict(theirs, gold), gold)


def compare_with_rule(ours: IntentClassifier, gold: list[Gold]) -> Comparison:
    """A classifier against the keyword rule on the same gold rows."""
    return compare_flags(_strict(ours, gold), rule_hits(gold), gold)


def _standing(home: Home, warn: Callable[[str], None]) -> tuple[IntentClassifier | None, list[Champion]]:
    """The classifier to be measured against, None without one that works, and who can be returned to afterwards."""
    champions: list[Champion] = []
    try:
        champions = read_champions(home)
        return _loaded(home, champions[0]) if champions else None, champions
    except (ChampionError, BundleError) as error:
        warn(f"the champion cannot be used, so this version has to beat the keyword rule instead: {error}")
        return None, champions[1:]


def _loaded(home: Home, champion: Champion) -> IntentClassifier:
    return IntentClassifier.from_pretrained(kept_bundle(home, champion.bundle))


def _refuse_unusable(home: Home, champion: Champion) -> None:
    try:
        _loaded(home, champion)
    except BundleError as error:
        raise ChampionError(
            f"not rolled back: version {champion.version} cannot be served ({error}). "
            f"`prompt-intent classify --model models:/{REGISTERED_MODEL}/{champion.version} test` fetches its bundle "
            "anew if the registry has it; or promote another version"
        ) from error


def _gate(candidate: IntentClassifier, standing: IntentClassifier | None, test: Path) -> Comparison:
    gold = load_gold(test, candidate.classes_)
    if standing is None:
        return _beats_rule(compare_with_rule(candidate, gold))
    return _not_worse(compare(candidate, standing, gold))


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
