"""What a report sets beside the classifier, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data_card import gold_card, training_card
from training.dataset import LabeledPrompt, fingerprint
from training.errors import DatasetError
from training.gold import Gold, gold_digest
from training.rivals import read_rivals, rivals

CLASSES = ("preview", "text_heavy", "complex_logic")
GOLD = [
    Gold("a red apple", "preview", None, ("language:en",), "1"),
    Gold("a blue cup", "preview", None, ("language:en",), "2"),
    Gold('a sign that says "GO"', "text_heavy", "preview", ("language:fr",), "3"),
    Gold("man bites dog", "complex_logic", "text_heavy", ("language:en", "tag:chat"), "4"),
]
FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}


def test_the_baselines_by_hand() -> None:
    """Always preview is right on two of four, and acceptable on a third; the rule fails man bites dog alone."""
    ours = np.array([True, True, True, True])
    constant, rule = rivals(GOLD, CLASSES, ours)
    assert (constant.name, constant.strict.value, constant.lenient.value) == ("always preview", 0.5, 0.75)
    assert constant.macro_f1.value == pytest.approx((2 * 2 / (4 + 2)) / 3)
    assert (rule.name, rule.strict.value) == ("keyword rule", 0.75)
    assert rule.gap is not None
    assert rule.gap.difference == 0.25


def _file(folder: Path, rows: Any) -> Path:
    path = folder / "rows.json"
    path.write_text(json.dumps(rows))
    return path


def test_rows_measured_elsewhere_are_read(tmp_path: Path) -> None:
    """A name and three figures with their ends, of the same gold rows."""
    row = {"name": "kNN", "digest": gold_digest(GOLD), "strict": FIGURE, "lenient": FIGURE, "macro_f1": FIGURE}
    (found,) = read_rivals(_file(tmp_path, [row]), GOLD)
    assert (found.name, found.strict.value, found.macro_f1.interval, found.gap) == ("kNN", 0.5, (0.4, 0.6), None)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"name": "x", "digest": "other", "strict": FIGURE, "lenient": FIGURE, "macro_f1": FIGURE}], "other rows"),
        ([{"name": "x", "digest": "other", "strict": FIGURE}], "expected a JSON array"),
        ({"name": "x"}, "expected a JSON array"),
        (7, "expected a JSON array"),
    ],
)
def test_rows_of_another_set_are_refused(tmp_path: Path, rows: Any, why: str) -> None:
    """Figures of other rows, or no figures, are an error that names the file."""
    with pytest.raises(DatasetError, match=rf"rows\.json.*{why}"):
        read_rivals(_file(tmp_path, rows), GOLD)


def test_a_card_counts_by_class() -> None:
    """Rows by class, in all and by name, the most frequent first, with the digest that names the rows."""
    card = gold_card("gold.jsonl", GOLD, CLASSES)
    assert (card.all.by_class, card.all.total, card.groups) == ((2, 1, 1), 4, 4)
    assert [(row.name, row.by_class) for row in card.tables["language"]] == [("en", (2, 0, 1)), ("fr", (0, 1, 0))]
    assert (card.digest, list(card.tables)) == (gold_digest(GOLD), ["language", "tag"])


def test_a_card_of_training_rows_shows_the_commonest_tags() -> None:
    """Fifteen tags are listed, the rest counted; origin and length are there too."""
    rows = [LabeledPrompt("a b c", "preview", None, str(i), (f"tag {i:02}", "all"), "written", "en") for i in range(30)]
    card = training_card("prompts.jsonl", rows, CLASSES)
    assert card.digest == fingerprint(rows)
    assert [row.name for row in card.tables["tag"]][:2] == ["all", "tag 00"]
    assert (len(card.tables["tag"]), card.left_out) == (15, 16)
    assert card.tables["words"][0].by_class == (30, 0, 0)
    assert card.tables["origin"][0].total == 30
