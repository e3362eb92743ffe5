"""Which pairs of prompts are near-duplicates, and that the answer never changes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from itertools import combinations

import pytest

from training.checked_row import CheckedRow, checked_rows
from training.dataset import LabeledPrompt
from training.near_duplicates import signatures, similar_between, similar_within

PROBE = """
from training.near_duplicates import signatures

sketches = signatures([{"a red fox", "red fox on", "fox on a"}, {"one two three"}])
print([[int(value) for value in sketch.hashvalues] for sketch in sketches])
"""


def prompts(*texts: str, group: str | None = None) -> list[CheckedRow]:
    """Checked rows, each in a group of its own unless one is given."""
    return checked_rows([LabeledPrompt(text, "preview", None, group or text, (), "tests", "en") for text in texts])


def numbered(words: int, changed: int | None = None) -> str:
    """So many different words, one of them replaced."""
    return " ".join("other" if place == changed else f"w{place}" for place in range(words))


def windows(row: CheckedRow) -> set[tuple[str, ...]]:
    """Three-word windows, by zipping: another way than the code under test."""
    return set(zip(row.words, row.words[1:], row.words[2:], strict=False))


def jaccard(left: CheckedRow, right: CheckedRow) -> float:
    """Shared windows over all windows."""
    return len(windows(left) & windows(right)) / len(windows(left) | windows(right))


@pytest.mark.parametrize(("words", "similar"), [(11, False), (12, True)])
def test_half_of_the_windows_is_not_yet_a_near_duplicate(words: int, similar: bool) -> None:
    """One word changed in the middle of eleven gives exactly one half, of twelve 7/13: only that is above."""
    pairs = list(similar_within(prompts(numbered(words), numbered(words, changed=5))))
    assert [pair.jaccard for pair in pairs] == ([pytest.approx(7 / 13)] if similar else [])


@pytest.mark.parametrize(
    ("left", "right", "similar"),
    [
        ("man bites", "man bites!", True),
        ("man bites", "dog bites", False),
        ("🦊🦊", "🦊", False),
        ("🦊!", "…", False),
        ("a fox, a crow, a cheese", "a fox a crow a cheese", True),
        ("赤い猫と青い鳥が庭で遊ぶ", "赤い猫と青い鳥が庭で眠る", True),
        ("赤い猫と青い鳥が庭で遊ぶ", "森の中の古い時計塔に雪が降る", False),
    ],
)
def test_short_wordless_and_unspaced_prompts(left: str, right: str, similar: bool) -> None:
    """Prompts without three words are compared whole, those in unspaced scripts by character."""
    assert bool(list(similar_within(prompts(left, right)))) is similar


def test_equal_texts_and_equal_groups_are_left_out() -> None:
    """The same text is an exact duplicate, and likeness within a group is wanted: neither is a pair."""
    assert not list(similar_within(prompts(numbered(20), numbered(20).upper())))
    assert not list(similar_within(prompts(numbered(20), numbered(20, changed=9), group="pair")))
    assert not list(similar_between(prompts(numbered(20)), prompts(numbered(20).upper())))


def test_pairs_between_two_sides_name_both_rows() -> None:
    """The left row is of the first side, the right row of the second, also when they share a group."""
    rows = prompts("a red fox", numbered(20), group="same")
    others = prompts("three grey geese", "a paper boat", numbered(20, changed=3), group="same")
    (pair,) = similar_between(rows, others)
    assert (pair.left, pair.right) == (rows[1], others[2])
    assert pair.jaccard == pytest.approx(15 / 21)


def test_minhash_proposes_what_a_full_comparison_finds() -> None:
    """Of all pairs above one half, many of them just above, at least 98 % are found, and no other pair is reported."""
    chance = random.Random(7)
    vocabulary = [f"word{number}" for number in range(400)]
    texts = []
    for _ in range(120):
        words = chance.choices(vocabulary, k=chance.randrange(12, 30))
        texts += [" ".join(words), " ".join([*words[:5], "changed", *words[6:]])]
    rows = prompts(*texts)
    expected = {(one.line, two.line) for one, two in combinations(rows, 2) if jaccard(one, two) > 0.5}
    reported = {(pair.left.line, pair.right.line) for pair in similar_within(rows)}
    assert len(expected) >= 120
    assert reported <= expected
    assert len(reported) >= 0.98 * len(expected)


def test_every_print_of_a_crowded_template_is_paired() -> None:
    """Of a hundred and twenty prints of one template, each but the first is paired with an earlier one."""
    rows = prompts(*[f"{numbered(15)} print{number}" for number in range(120)])
    pairs = list(similar_within(rows))
    assert {pair.right.line for pair in pairs} == set(range(2, 121))
    assert len(pairs) < 120 * 119 / 2


def test_minhash_is_deterministic() -> None:
    """Interpreters with different string hashing, this one included, give the same sketches and the same pairs."""
    sketches = signatures([{"a red fox", "red fox on", "fox on a"}, {"one two three"}])
    here = str([[int(value) for value in sketch.hashvalues] for sketch in sketches])
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", PROBE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == here
    assert len(set(here.split(","))) > 200
    rows = prompts(*[f"{numbered(15)} print{number}" for number in range(8)])
    assert list(similar_within(rows)) == list(similar_within(rows))
