"""Two sides prompt by prompt: exactly what changed, who is right where, and what a terminal shows of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy.stats import binomtest

from training.comparison import Change, agreement, changes, compare_flags, counted
from training.gold import Gold
from training.report import print_changes


def _gold(prompt: str, intent: str, second: str | None = None) -> Gold:
    return Gold(prompt, intent, second, (), prompt)


def test_exactly_the_changed_prompts_are_listed() -> None:
    """Worse first, then better, then neither; equal labels are not in it, whether right or wrong."""
    gold = [
        _gold("both right", "preview"), _gold("ours right", "text_heavy", "preview"), _gold("theirs right", "preview"),
        _gold("both wrong alike", "preview"), _gold("both wrong", "preview"),
    ]  # fmt: skip
    ours = ["preview", "text_heavy", "text_heavy", "text_heavy", "text_heavy"]
    theirs = ["preview", "preview", "preview", "text_heavy", "complex_logic"]
    found = changes(gold, ours, theirs)
    assert found == [
        Change("theirs right", "preview", None, "text_heavy", "preview", "worse"),
        Change("ours right", "text_heavy", "preview", "text_heavy", "preview", "better"),
        Change("both wrong", "preview", None, "text_heavy", "complex_logic", "same"),
    ]
    assert counted(found) == {"worse": 1, "better": 1, "same": 1}
    assert changes(gold, ours, ours) == []


def test_agreement_by_hand() -> None:
    """Two rows both, one ours alone, five theirs alone, one neither: p = 2 * (1 + 6) / 2**6."""
    ours = np.array([True] * 3 + [False] * 6)
    theirs = np.array([True] * 2 + [False] + [True] * 5 + [False])
    found = agreement(ours, theirs)
    assert (found.both, found.only_ours, found.only_theirs, found.neither) == (2, 1, 5, 1)
    assert found.p == pytest.approx(14 / 64)
    assert agreement(ours, ours).p == 1.0


@given(st.integers(0, 400), st.integers(0, 400))
def test_the_p_value_is_the_exact_binomial(one: int, other: int) -> None:
    """scipy's two-sided test at even odds agrees, also where thousands of digits are at work."""
    ours = np.array([True] * one + [False] * other, dtype=bool)
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert agreement(ours, ~ours).p == pytest.approx(expected)


def test_a_comparison_draws_groups() -> None:
    """Ten copies of one lost row are one loss: the interval reaches as far as if it were drawn alone."""
    gold = [_gold(str(i), "preview") for i in range(30)] + [Gold("copy", "preview", None, (), "one")] * 10
    ours, theirs = np.ones(40, dtype=bool), np.array([True] * 30 + [False] * 10)
    found = compare_flags(ours, theirs, gold)
    assert found.difference == 0.25
    assert found.low == 0.0


def _shown(found: list[Change]) -> str:
    console = Console(file=io.StringIO(), width=140, force_terminal=False)
    print_changes(console, found)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_terminal_shows_twenty_and_counts_the_rest() -> None:
    """Twenty rows, then how many more; up to twenty are shown whole, and none is a sentence."""
    many = [Change(f"prompt number {i}", "preview", None, "preview", "text_heavy", "better") for i in range(25)]
    shown = _shown(many)
    assert "the label of 25 prompts differs: 0 worse, 25 better, 0 same" in shown
    assert [f"prompt number {i} " in shown for i in range(25)] == [True] * 20 + [False] * 5
    assert "and 5 more" in shown
    assert "more" not in _shown(many[:20])
    assert _shown([]).strip() == "the label of 0 prompts differs: 0 worse, 0 better, 0 same"


def test_a_prompt_cannot_steer_the_terminal() -> None:
    """Escape sequences, markup and line breaks are text in one line."""
    shown = _shown([Change("\x1b[2J[red]a\nb[/red]\u202e", "preview", None, "preview", "text_heavy", "better")])
    assert "\x1b" not in shown
    assert "[red]a b[/red]" in shown
    assert "\u202e" not in shown
