"""Figures on small sets that can be counted by hand."""

from __future__ import annotations

import json
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


def test_every_figure_has_its_interval() -> None:
    """All metrics but the calibration error have both ends, around the figure; figures that lack rows are out."""
    gold = [Gold(f"prompt {i}", CLASSES[i % 3], None, ("language:en",), str(i // 2)) for i in range(60)]
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 60).astype(np.float32)
    result = evaluate(gold, p, CLASSES, threshold=0.5)
    figures, bounds = result.metrics(), result.bounds()
    bare = {"ece", "ece_band_low", "ece_band_high", "ece_inside_band"}
    assert set(bounds) == {f"{name}_{side}" for name in figures.keys() - bare for side in ("low", "high")}
    assert all(bounds[f"{n}_low"] <= figures[n] <= bounds[f"{n}_high"] for n in figures.keys() - bare)
    assert "pairs_both_right" not in figures
    assert figures["worst_recall"] == min(figures[f"recall_{label}"] for label in CLASSES)
    assert result.part_metrics()["slice/language:en/strict"] == figures["strict"]


def test_an_evaluation_repeats_and_is_plain_data() -> None:
    """The same rows give the same figures to the last digit, and JSON can hold them."""
    gold = [Gold(f"a red apple {i}", CLASSES[i % 3], None, ("tag:contrast",), str(i // 2)) for i in range(30)]
    p = np.random.default_rng(1).dirichlet([1, 1, 1], 30).astype(np.float32)
    first, second = (evaluate(gold, p, CLASSES, 0.5) for _ in range(2))
    assert first == second
    row = json.loads(json.dumps(first.to_json(), allow_nan=False))
    assert row["strict_95"] == list(first.strict_95)
    assert row["ece"] == row["calibration"]["ece"]


def test_a_class_that_never_occurs_is_no_error() -> None:
    """One row, one class: nothing divides by zero, and what nobody knows lies between 0 and 1."""
    result = evaluate([_gold("preview")], np.array([[0.2, 0.7, 0.1]], np.float32), CLASSES, 0.9)
    assert result.labels["complex_logic"].recall_95 == (0.0, 1.0)
    assert result.intervals["answered_lenient"] == (0.0, 1.0)
    assert result.macro_f1 == 0.0
    assert json.dumps(result.to_json(), allow_nan=False)


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


def test_one_row_proves_little() -> None:
    """A difference of one everywhere has the doubt of as many rows, either way round."""
    ours, theirs = np.array([True]), np.array([False])
    assert paired_difference(ours, theirs) == (1.0, pytest.approx(0.207, abs=1e-3), 1.0)
    assert paired_difference(theirs, ours) == (-1.0, -1.0, pytest.approx(-0.207, abs=1e-3))


def test_figures_that_no_draw_changes_keep_a_doubt() -> None:
    """Thirty right previews: coverage and the risk band are Wilson's, and classes without rows have no worst recall."""
    gold = [Gold(f"p{i}", "preview", None, (), str(i)) for i in range(30)]
    found = evaluate(gold, np.tile(np.array([[0.8, 0.1, 0.1]], np.float32), (30, 1)), CLASSES, 0.5)
    assert found.intervals["coverage_at_97"] == (pytest.approx(0.886, abs=1e-3), 1.0)
    assert found.risk_coverage[-1].lenient_95 == (0.0, pytest.approx(0.114, abs=1e-3))
    assert (found.worst_class, found.metrics()["worst_recall"]) == ("preview", 1.0)


def test_the_threshold_takes_equals_together() -> None:
    """Right rows at a confidence that wrong ones have too do not open it for all of them."""
    confidence = np.array([0.9] * 400 + [0.5] * 400, np.float32)
    right = np.array([True] * 400 + [True] * 200 + [False] * 200)
    assert fit_threshold(confidence, right, 0.97) == pytest.approx(0.9, abs=1e-4)


def test_the_threshold_reaches_its_target() -> None:
    """The lowest confidence is taken from which precision surely holds; impossible targets abstain always.

    Twenty of twenty prove 0.1 ** (1 / 20) = 0.891 with 90 % confidence, so they reach 0.89 and not 0.9.
    """
    confidence = np.linspace(0.99, 0.6, 40).astype(np.float32)
    right = np.arange(40) < 20
    assert fit_threshold(confidence, right, 0.89) == pytest.approx(0.8, abs=1e-4)
    assert fit_threshold(confidence, right, 0.9) == 1.0
    assert fit_threshold(confidence, ~right, 0.5) == 1.0


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


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[" * 99_999,
        '{"prompt": "a", "intent": "preview", "second": "Text-Heavy"}',
        '{"prompt": "a"}',
        '{"prompt": 1, "intent": "preview"}',
        "[]",
        "",
    ],
)
def test_bad_gold_names_file_and_line(tmp_path: Path, line: str) -> None:
    """What is wrong is said with its place."""
    path = tmp_path / "gold.jsonl"
    path.write_text(line)
    with pytest.raises(DatasetError, match=r"gold\.jsonl"):
        load_gold(path, CLASSES)
