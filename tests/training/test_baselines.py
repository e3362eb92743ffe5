"""Simple methods on a problem that anybody could learn, and on one that nobody could."""

from __future__ import annotations

import re

import numpy as np
import pytest

from training import baselines, utterance_routing
from training.baselines import Baseline, Prompts, TrainingSet
from training.errors import DatasetError

CLASSES = ("preview", "text_heavy", "complex_logic")
WORDS = (("quick", "sketch"), ("poster", "saying"), ("beside", "below"))
LEARNERS = (
    baselines.WORD_COUNTS,
    baselines.NEIGHBOURS,
    baselines.FROZEN_REGRESSION,
    baselines.FEATURES_ALONE,
    utterance_routing.routing(20),
)


def _prompts(numbers: np.ndarray, seed: int) -> Prompts:
    """Prompts whose words, vectors and features each show the class, amid noise."""
    rng = np.random.default_rng(seed)
    texts = [f"a {rng.choice(WORDS[number])} thing{rng.integers(1000)}" for number in numbers]
    vectors = np.eye(8)[numbers] + rng.normal(scale=0.15, size=(len(numbers), 8))
    features = np.eye(5)[numbers] + rng.normal(scale=0.1, size=(len(numbers), 5))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Prompts(texts, unit.astype(np.float32), features.astype(np.float32))


def _training_set(rows: int = 120, seed: int = 0) -> TrainingSet:
    numbers = np.arange(rows) % 3
    return TrainingSet(_prompts(numbers, seed), numbers, [f"g{i // 6}" for i in range(rows)], CLASSES)


@pytest.mark.parametrize("baseline", LEARNERS, ids=lambda baseline: baseline.name)
def test_each_learns_what_is_plain(baseline: Baseline) -> None:
    """New prompts of a separable problem are answered rightly, one number a prompt and repetition."""
    numbers = np.arange(60) % 3
    answers = baseline.fit(_training_set(), 0).answer(_prompts(numbers, seed=1))
    assert answers.shape[1] == 60
    assert (answers == numbers).mean() > 0.95


@pytest.mark.parametrize("baseline", LEARNERS, ids=lambda baseline: baseline.name)
def test_each_is_the_same_every_time(baseline: Baseline) -> None:
    """Two fits with one seed answer alike, also where chance decides nearly everything."""
    training, rng = _training_set(), np.random.default_rng(3)
    noisy = TrainingSet(training.prompts, rng.permutation(training.numbers), training.groups, CLASSES)
    asked = _prompts(np.arange(90) % 3, seed=2)
    first, second = baseline.fit(noisy, 0), baseline.fit(noisy, 0)
    assert (first.answer(asked) == second.answer(asked)).all()
    assert first.chosen == second.chosen


@pytest.mark.parametrize("baseline", LEARNERS[:4], ids=lambda baseline: baseline.name)
def test_settings_are_chosen_on_whole_groups(baseline: Baseline) -> None:
    """Where only a prompt's twins know its label, held-back accuracy is chance: the twins were held back with it."""
    rng = np.random.default_rng(4)
    labels = np.repeat(rng.permutation(np.arange(60) % 3), 4)
    vectors = np.repeat(rng.normal(size=(60, 8)), 4, axis=0).astype(np.float32)
    texts = [f"thing{i // 4}" for i in range(240)]
    training = TrainingSet(Prompts(texts, vectors, vectors), labels, [f"g{i // 4:02}" for i in range(240)], CLASSES)
    fitted = baseline.fit(training, 0)
    held_back = float(re.search(r"are (0\.\d+) right", fitted.chosen)[1])
    assert held_back < 0.5


def test_the_setting_of_best_held_back_accuracy_is_taken() -> None:
    """Many neighbours where labels are noisy, few where each corner of the space has its own."""
    rng, numbers = np.random.default_rng(5), np.arange(240) % 3
    noisy = np.where(rng.random(240) < 0.4, rng.integers(0, 3, 240), numbers)
    groups = [str(i) for i in range(240)]
    clusters = _prompts(numbers, seed=6)
    corners = Prompts(clusters.texts, np.eye(40, dtype=np.float32)[np.arange(240) % 40], clusters.features)
    many, few = (
        baselines.NEIGHBOURS.fit(TrainingSet(prompts, labels, groups, CLASSES), 0).chosen
        for prompts, labels in ((clusters, noisy), (corners, np.arange(240) % 40 % 3))
    )
    assert int(re.match(r"n_neighbors = (\d+)", many)[1]) >= 9
    assert int(re.match(r"n_neighbors = (\d+)", few)[1]) <= 5
    assert few.endswith("are 1.000 right")


def test_the_majority_is_the_training_files() -> None:
    """Whatever is asked, the commonest training label is the answer, not the commonest of what is asked."""
    training = _training_set(12)
    numbers = np.array([1] * 10 + [0, 2])
    fitted = baselines.MAJORITY.fit(TrainingSet(training.prompts, numbers, training.groups, CLASSES), 0)
    assert fitted.answer(_prompts(np.zeros(7, dtype=int), seed=1)).tolist() == [[1] * 7]
    assert fitted.chosen == "text_heavy"


def test_the_keyword_rule_is_no_learner() -> None:
    """It answers from its own table, by the numbers of the training set's classes."""
    training = _training_set(12)
    turned = TrainingSet(training.prompts, training.numbers, training.groups, CLASSES[::-1])
    nothing = np.zeros((2, 1), dtype=np.float32)
    asked = Prompts(['a sign that says "OPEN"', "quick sketch of a dog"], nothing, nothing)
    assert baselines.KEYWORD_RULE.fit(training, 0).answer(asked).tolist() == [[1, 0]]
    assert baselines.KEYWORD_RULE.fit(turned, 0).answer(asked).tolist() == [[1, 2]]


def test_too_few_groups_are_refused() -> None:
    """A class that cannot be held back five times is named with its number of groups."""
    training = _training_set(12)
    baselines.check_groups(_training_set(120))
    with pytest.raises(DatasetError, match="preview has 2 groups"):
        baselines.check_groups(training)
