"""Parts of a gold set, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.bootstrap import Resampling
from training.gold import Gold, slice_names
from training.slices import RULE_RIGHT, RULE_WRONG, language_scores, pair_scores, rule_hits, slice_scores


def _row(prompt: str, intent: str, group: str, *slices: str) -> Gold:
    return Gold(prompt, intent, None, slices, group)


def _draws(gold: list[Gold]) -> Resampling:
    return Resampling.of_groups([row.group for row in gold])


def test_what_the_keyword_rule_gets_wrong_is_a_slice() -> None:
    """Two rows the rule fails, one of them right; two it gets, both right."""
    gold = [
        _row('a sign that says "OPEN"', "text_heavy", "a"),
        _row("two dogs beside a cat", "complex_logic", "b"),
        _row("man bites dog", "complex_logic", "c"),
        _row("hoodie for the worlds okayest dad", "text_heavy", "d"),
    ]
    rule = rule_hits(gold)
    assert rule.tolist() == [True, True, False, False]
    strict = np.array([True, True, True, False])
    scores = slice_scores(gold, strict, strict, rule, _draws(gold))
    assert (scores[RULE_WRONG].n, scores[RULE_WRONG].strict) == (2, 0.5)
    assert (scores[RULE_RIGHT].n, scores[RULE_RIGHT].strict) == (2, 1.0)
    assert list(scores) == [RULE_WRONG, RULE_RIGHT]


def test_slices_come_worst_first_and_tags_need_company() -> None:
    """A tag of a few rows is left out, any other slice is kept, however small."""
    gold = [
        _row("x", "preview", str(i), "language:en" if i else "language:fr", "tag:chat", *["tag:rare"][: i == 1])
        for i in range(20)
    ]
    strict = np.array([False] + [True] * 19)
    scores = slice_scores(gold, strict, ~strict, np.ones(20, dtype=bool), _draws(gold))
    assert list(scores) == ["language:fr", "keyword rule:right", "tag:chat", "language:en"]
    assert scores["tag:chat"].strict == 0.95
    assert scores["tag:chat"].lenient == pytest.approx(0.05)
    assert scores["language:fr"].strict_95[1] > 0.5


def test_languages_beside_english() -> None:
    """Three of four right in English, one of two in French: two thirds of it; the others pooled by their script."""
    languages = ["en", "en", "en", "en", "fr", "fr", "ja", "ru"]
    prompts = ["a cat"] * 4 + ["un chat"] * 2 + ["赤い猫", "кот"]
    gold = [
        _row(prompt, "preview", str(i), f"language:{name}")
        for i, (prompt, name) in enumerate(zip(prompts, languages, strict=True))
    ]
    strict = np.array([True, True, True, False, True, False, False, False])
    answered = np.array([True, True, True, True, True, True, False, True])
    scores = language_scores(gold, strict, answered, _draws(gold))
    assert list(scores) == ["en", "fr", "ja", "ru", "Latin script but en", "other scripts"]
    assert scores["fr"].relative == pytest.approx((1 / 2) / (3 / 4))
    assert (scores["Latin script but en"].n, scores["Latin script but en"].strict) == (2, 0.5)
    assert (scores["other scripts"].n, scores["other scripts"].strict) == (2, 0.0)
    # Abstaining where it would have been wrong is as safe as being right.
    assert [scores[name].safe for name in ("en", "fr", "ja", "ru", "other scripts")] == [0.75, 0.5, 1.0, 0.0, 0.5]
    assert scores["en"].relative_95 == (1.0, 1.0)
    assert language_scores(gold[:4], strict[:4], answered[:4], _draws(gold[:4])) == {}


def test_pairs_count_when_every_member_is_right() -> None:
    """Of three pairs one is right whole; a single tagged row is no pair, an untagged row of the group no member."""
    gold = [
        _row("a", "preview", "1", "tag:contrast"), _row("b", "text_heavy", "1", "tag:contrast"),
        _row("c", "preview", "2", "tag:contrast"), _row("d", "complex_logic", "2", "tag:contrast"),
        _row("e", "preview", "3", "tag:contrast"), _row("f", "text_heavy", "3", "tag:contrast"),
        _row("g", "preview", "3"), _row("h", "preview", "4", "tag:contrast"),
    ]  # fmt: skip
    strict = np.array([True, True, True, False, False, False, True, True])
    scores = pair_scores(gold, strict, _draws(gold))
    assert {name: (score.n, score.both_right) for name, score in scores.items()} == {
        "all": (3, pytest.approx(1 / 3)),
        "complex_logic | preview": (1, 0.0),
        "preview | text_heavy": (2, 0.5),
    }
    assert pair_scores(gold[6:], strict[6:], _draws(gold[6:])) == {}


@pytest.mark.parametrize("tags", [None, "contrast", 7])
def test_malformed_tags_name_no_slice(tags: object) -> None:
    """Any gold file may be evaluated: what is no list of tags is passed over."""
    assert slice_names({"prompt": "a red apple", "tags": tags, "origin": "o"}) == ("origin:o", "words:1-6")


def test_a_row_names_all_its_slices() -> None:
    """Language, origin, source, length and every tag."""
    row = {"prompt": "word " * 30, "language": "de", "origin": "written", "source": "s", "tags": ["chat", "contrast"]}
    assert slice_names(row) == (
        "language:de", "origin:written", "source:s", "words:21-60", "tag:chat", "tag:contrast",
    )  # fmt: skip
