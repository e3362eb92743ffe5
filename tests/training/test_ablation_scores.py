"""Figures of several methods on small gold sets that can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from training.ablation_scores import GoldDraws, method_scores, named_slices, slice_scores
from training.gold import Gold

CLASSES = ("preview", "text_heavy", "complex_logic")


def _gold(intents: Sequence[int], groups: Sequence[str] | None = None, second: str | None = None) -> list[Gold]:
    names = groups or [str(i) for i in range(len(intents))]
    return [Gold("x", CLASSES[i], second, ("words:1-6", "language:en"), g) for i, g in zip(intents, names, strict=True)]


def test_every_figure_by_hand() -> None:
    """Six rows, four right, one more by its second label."""
    gold = _gold([0, 0, 0, 1, 1, 2])
    gold[2] = Gold("x", "preview", "text_heavy", (), "2")
    said = np.array([[0, 1, 1, 1, 1, 2]])
    score = method_scores(gold, {"a": said, "ours": np.array([[0, 0, 0, 1, 1, 0]])}, CLASSES, "ours")["a"]
    assert score.strict.value == pytest.approx(4 / 6)
    assert score.lenient.value == pytest.approx(5 / 6)
    assert score.macro_f1.value == pytest.approx((2 / 4 + 4 / 6 + 1) / 3)
    assert {label: recall.value for label, recall in score.recall.items()} == pytest.approx(
        {"preview": 1 / 3, "text_heavy": 1, "complex_logic": 1}
    )
    assert score.against_ours.value == pytest.approx(-1 / 6)
    for figure in (score.strict, score.lenient, score.macro_f1, score.against_ours, *score.recall.values()):
        assert figure.low <= figure.value <= figure.high
        assert figure.low < figure.high


def test_a_class_without_gold_rows_has_no_recall() -> None:
    """There is nothing it could be a share of."""
    score = method_scores(_gold([0, 1, 0, 1]), {"ours": np.array([[0, 1, 2, 1]])}, CLASSES, "ours")["ours"]
    assert list(score.recall) == ["preview", "text_heavy"]


def test_rows_of_one_group_count_as_one_witness() -> None:
    """Four copies of each row leave the interval as wide as it was; four independent rows halve it."""
    said, copied = np.array([[0] * 50]), np.array([[0] * 200])
    truth = [0] * 30 + [1] * 20
    groups = [str(i) for i in range(50)]
    alone, copies, more = (
        method_scores(gold, {"ours": answers}, CLASSES, "ours")["ours"].strict
        for gold, answers in ((_gold(truth), said), (_gold(truth * 4, groups * 4), copied), (_gold(truth * 4), copied))
    )
    assert copies.high - copies.low == pytest.approx(alone.high - alone.low, rel=0.05)
    assert more.high - more.low == pytest.approx((alone.high - alone.low) / 2, rel=0.15)


def test_differences_are_paired() -> None:
    """Two methods that differ on five rows of two hundred, all one way, surely differ, overlapping intervals or not."""
    gold = _gold([0, 1] * 100)
    ours = np.zeros((1, 200), dtype=int)
    ours[:, 1:11:2] = 1
    scores = method_scores(gold, {"ours": ours, "a": np.zeros((1, 200), dtype=int)}, CLASSES, "ours")
    assert scores["a"].strict.high > scores["ours"].strict.low
    assert scores["a"].against_ours.value == pytest.approx(-5 / 200)
    assert scores["a"].against_ours.high < 0
    assert scores["ours"].against_ours.low == scores["ours"].against_ours.high == 0


def test_repetitions_are_averaged_and_widen_the_interval() -> None:
    """Half of the repetitions all right and half all wrong make one half, anything between 0 and 1 being likely."""
    said = np.array([[0] * 40, [1] * 40, [0] * 40, [1] * 40])
    scores = method_scores(_gold([0] * 40), {"a": said, "ours": said[:1]}, CLASSES, "ours")
    assert scores["a"].strict.value == scores["a"].lenient.value == 0.5
    assert (scores["a"].strict.low, scores["a"].strict.high) == (0.0, 1.0)
    assert scores["ours"].strict.value == 1.0
    assert 0.8 < scores["ours"].strict.low < 1.0


def test_slices_by_length_language_contrast_and_rule() -> None:
    """Short before long, other languages as one, contrast pairs, and what the keyword rule gets wrong."""
    slices = (
        ("words:over 60", "language:de"),
        ("words:7-20", "language:en", "tag:contrast"),
        ("words:1-6", "tag:chat"),
    )
    gold = [Gold("x", CLASSES[i % 3], None, slices[i % 3], str(i)) for i in range(60)]
    named = named_slices(gold)
    assert list(named) == [
        "words:1-6", "words:7-20", "words:over 60", "language:en", "language:others", "tag:contrast",
    ]  # fmt: skip
    scores = slice_scores(gold, {"zero": np.zeros((1, 60), dtype=int)}, CLASSES, rule=np.full((1, 60), 1))
    strict = {score.name: (score.n, score.strict["zero"].value) for score in scores}
    assert strict["words:over 60"] == strict["language:others"] == (20, 1.0)
    assert strict["words:1-6"] == strict["tag:contrast"] == (20, 0.0)
    assert strict["keyword rule:wrong"] == (40, 0.5)


def test_slices_of_a_few_rows_are_left_out() -> None:
    """Nine rows make no slice, ten do."""
    gold = _gold([0] * 10)
    gold[0] = Gold("x", "preview", None, ("words:1-6",), "0")
    names = [score.name for score in slice_scores(gold, {}, CLASSES, rule=np.zeros((1, 10), dtype=int))]
    assert names == ["words:1-6"]


def test_the_sample_itself_comes_first() -> None:
    """The first replicate is the plain sum; the others hold as many groups as there are."""
    totals = GoldDraws(["a", "b", "b", "c"]).totals(np.ones((4, 1)))
    assert totals[0] == 4
    assert set(np.unique(totals)) == {3, 4, 5, 6}
