"""semantic-router's rule, by hand and over several draws of utterances."""

from __future__ import annotations

import numpy as np
import pytest

from training.baselines import Prompts, TrainingSet
from training.utterance_routing import route_scores, routing

CLASSES = ("preview", "text_heavy", "complex_logic")


def test_a_route_scores_the_mean_of_its_own_among_the_five_nearest() -> None:
    """One near utterance outdoes four that are a little less near; the sixth nearest counts for nobody."""
    similarities = np.array([[0.9, 0.8, 0.8, 0.7, 0.7, 0.6]], dtype=np.float32)
    scores = route_scores(similarities, np.array([0, 1, 1, 1, 1, 2]), 3)
    assert scores[0] == pytest.approx([0.9, 0.75, 0.0])


def test_a_route_that_is_not_hit_beats_one_that_points_away() -> None:
    """Without any utterance among the nearest a route scores 0, which is more than a negative similarity."""
    similarities = np.full((1, 5), -0.2, dtype=np.float32)
    assert route_scores(similarities, np.zeros(5, dtype=np.int64), 2).tolist()[0] == pytest.approx([-0.2, 0.0])


def test_fewer_than_five_utterances_are_enough() -> None:
    """All there are take part."""
    scores = route_scores(np.array([[0.5, 0.4, 0.1]], dtype=np.float32), np.array([0, 1, 1]), 2)
    assert scores[0] == pytest.approx([0.5, 0.25])


def _noise(rows: int, seed: int) -> Prompts:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Prompts(["x"] * rows, unit, unit)


def test_draws_differ_until_they_take_everything() -> None:
    """Five repetitions with a few utterances disagree on noise; with all the rows of each class they are one."""
    numbers = np.arange(90) % 3
    training, asked = TrainingSet(_noise(90, 0), numbers, [str(i) for i in range(90)], CLASSES), _noise(50, 1)
    few, all_rows = (routing(count).fit(training, 0).answer(asked) for count in (5, 100))
    assert few.shape == all_rows.shape == (5, 50)
    assert len({tuple(row) for row in few.tolist()}) == 5
    assert (all_rows == all_rows[0]).all()
    other = routing(5).fit(training, 5).answer(asked)
    assert {tuple(row) for row in few.tolist()}.isdisjoint(tuple(row) for row in other.tolist())
