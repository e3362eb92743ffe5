"""Figures on small sets that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.abstention import fit_threshold
from training.errors import DatasetError
from training.evaluation import calibration_error, coverage_at, evaluate, interval, paired_difference
from training.gold import Gold, gold_digest, load_gold
from training.head_fitting import fit_temperature
from training.keyword_rule import keyword_intents

CLASSES = ("preview", "text_heavy", "complex_logic")


def _gold(intent: str, second: str | None = None, prompt: str = "x") -> Gold:
    return Gold(prompt, intent, second, ("words:1-6",), "g")


def test_every_figure_by_hand() -> None:
    """Four rows, two right, one right by its second label."""
    gold = [_gold("preview"), _gold("text_heavy"), _gold("complex_logic", "preview"), _gold("complex_logic")]
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.6, 0.2, 0.2], [0.1, 0.5, 0.4]], dtype=np.float32)
    result = evaluate(gold, p, CLASSES, threshold=0.55)
    assert (result.strict, result.lenient) == (0.5, 0.75)
    assert result.confusion == [[1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert result.labels["preview"].precision == 0.5
    assert result.labels["complex_logic"].recall == 0
    assert result.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert (result.answered, result.answered_lenient) == (0.75, 1.0)
    assert result.coverage_at_97 == 0.75
    assert result.ece == pytest.approx((0.2 + 0.3 + 0.6 + 0.5) / 4)
    assert result.slices["words:1-6"].n == 4


def test_calibration_error_of_a_perfect_and_a_boastful_model() -> None:
    """Right half the time at 50 % is calibrated; right half the time at 99 % is not."""
    right = np.array([True, False] * 50)
    assert calibration_error(np.full(100, 0.5, np.float32), right) == pytest.approx(0)
    assert calibration_error(np.full(100, 0.99, np.float32), right) == pytest.approx(0.49)


def test_coverage_keeps_ties_together() -> None:
    """Rows of one confidence are taken all or none."""
    confidence = np.array([0.9, 0.8, 0.8, 0.7], np.float32)
    right = np.array([True, True, False, True])
    assert coverage_at(confidence, right, 1.0) == 0.25
    assert coverage_at(confidence, right, 0.6) == 1.0
    assert coverage_at(confidence, ~right, 1.0) == 0.0


def test_interval_brackets_the_share_and_repeats() -> None:
    """The bootstrap interval holds the mean, has the binomial's width, and is the same every time."""
    flags = np.array([True] * 80 + [False] * 20)
    low, high = interval(flags)
    assert low < 0.8 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.04, rel=0.15)
    assert interval(flags) == (low, high)


def test_paired_difference_sees_what_unpaired_cannot() -> None:
    """Two classifiers that differ on five rows of a thousand, all one way, differ surely; equal ones not at all."""
    ours = np.tile([True, False], 500)
    theirs = ours.copy()
    theirs[:10:2] = False
    mean, low, _ = paired_difference(ours, theirs)
    assert mean == pytest.approx(0.005)
    assert low > 0
    assert paired_difference(ours, ours) == (0.0, 0.0, 0.0)


def test_the_threshold_reaches_its_target() -> None:
    """The lowest confidence is taken from which precision holds; impossible targets abstain always."""
    confidence = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    right = np.array([True, True, False, True])
    assert fit_threshold(confidence, right, 0.99) == pytest.approx(0.8, abs=1e-4)
    assert fit_threshold(confidence, right, 0.75) == pytest.approx(0.6, abs=1e-4)
    assert fit_threshold(confidence, np.zeros(4, dtype=bool), 0.5) == 1.0


@given(st.floats(0.3, 4.0))
def test_the_temperature_is_found_again(temperature: float) -> None:
    """Labels drawn from tempered logits give their temperature back."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 3
    p = np.exp(logits / temperature)
    p /= p.sum(axis=1, keepdims=True)
    numbers = (rng.random((4000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(logits, numbers) == pytest.approx(temperature, rel=0.15)


@pytest.mark.parametrize(
    ("prompt", "intent"),
    [
        ('a sign that says "OPEN"', "text_heavy"),
        ("quick sketch of a dog", "preview"),
        ("two dogs beside a cat", "complex_logic"),
        ("a red apple", "preview"),
        ("a quick draft of a poster, no text", "preview"),
    ],
)
def test_the_keyword_rule_reads_in_order(prompt: str, intent: str) -> None:
    """Lettering first, then roughness, then relations; a refusal of text is no request."""
    assert keyword_intents([prompt]) == [intent]


def test_gold_takes_either_name_of_the_label(tmp_path: Path) -> None:
    """`intent` and `label` both name the gold label, and the digest sees only content."""
    path = tmp_path / "gold.jsonl"
    path.write_text('{"prompt": "a", "label": "preview", "source": "s"}\n\n{"prompt": "b", "intent": "text_heavy"}\n')
    rows = load_gold(path, CLASSES)
    assert [row.intent for row in rows] == ["preview", "text_heavy"]
    assert "source:s" in rows[0].slices
    assert gold_digest(rows) == gold_digest(rows[::-1])


@pytest.mark.parametrize("line", ["{", '{"prompt": "a"}', '{"prompt": 1, "intent": "preview"}', "[]", ""])
def test_bad_gold_names_file_and_line(tmp_path: Path, line: str) -> None:
    """What is wrong is said with its place."""
    path = tmp_path / "gold.jsonl"
    path.write_text(line)
    with pytest.raises(DatasetError, match=r"gold\.jsonl"):
        load_gold(path, CLASSES)
