"""Which English prompt a translation is of."""

from __future__ import annotations

from training.dataset import LabeledPrompt
from training.originals import originals


def _row(intent: str, language: str, group: str = "g") -> LabeledPrompt:
    return LabeledPrompt("a mug", intent, None, group, (), "written", language)


def test_a_translation_is_of_the_english_row_of_its_group_and_intent() -> None:
    """Twins have theirs each; what is English is its own."""
    rows = [_row("preview", "fr"), _row("preview", "en"), _row("text_heavy", "en"), _row("text_heavy", "de")]
    assert originals(rows) == [1, 1, 2, 2]


def test_a_row_without_an_original_is_its_own() -> None:
    """Another group's, another intent's, and one of two that either may be are no originals."""
    rows = [
        _row("preview", "fr"), _row("preview", "en", "other"), _row("text_heavy", "en"),
        _row("preview", "de", "two"), _row("preview", "en", "two"), _row("preview", "en", "two"),
    ]  # fmt: skip
    assert originals(rows) == [0, 1, 2, 3, 4, 5]
