"""Openings and sentence frames that come back too often, and those that may."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest

from training.checked_row import checked_rows
from training.data_check import check
from training.data_report import Finding
from training.dataset import LabeledPrompt
from training.regularity import skeleton

NOUNS = ("fox", "kettle", "harbour", "violin", "glacier", "lantern", "tram", "orchid", "anvil", "comet", "loom", "quay")


def prompt(text: str, group: str | None = None, language: str = "en") -> LabeledPrompt:
    """A preview row in a group of its own unless one is given."""
    return LabeledPrompt(text, "preview", None, group or f"group of {text}", (), "tests", language)


def filler(rows: int) -> list[LabeledPrompt]:
    """Rows of one word each: they count as rows and have neither an opening nor a frame."""
    return [prompt(f"word{number}") for number in range(rows)]


def found(rows: Sequence[LabeledPrompt], kind: str) -> list[Finding]:
    """The findings of one kind in a check of the rows."""
    return [finding for finding in check(rows).findings if finding.kind == kind]


def opened(rows: int) -> list[LabeledPrompt]:
    """Rows that begin alike and go on in a single new word."""
    return [prompt(f"Create, an image {number}x") for number in range(rows)]


@pytest.mark.parametrize(
    ("alike", "total", "reported"),
    [(4, 4, False), (5, 5, True), (5, 499, True), (5, 500, False), (6, 500, True), (6, 600, False)],
)
def test_an_opening_is_too_regular_above_one_percent_and_from_five_rows(alike: int, total: int, reported: bool) -> None:
    """Five rows at least, and more than 1 % of all, must begin with the same three words."""
    findings = found([*opened(alike), *filler(total - alike)], "opening")
    assert bool(findings) is reported
    assert all(finding.failed and len(finding.lines) == alike for finding in findings)


def test_an_opening_is_named_without_its_punctuation() -> None:
    """The message quotes the three words and counts the rows."""
    (finding,) = found(opened(6), "opening")
    assert finding.message.startswith('"create an image …" opens 6 rows (100.0%)')


def test_prompts_under_three_words_have_no_opening() -> None:
    """Many one- and two-word prompts are no sign of a mould."""
    assert not found([prompt(f"fox {noun}") for noun in NOUNS], "opening")


def test_unspaced_scripts_have_openings_by_character() -> None:
    """Japanese prompts that all begin with the same characters are found, although they hold no space."""
    findings = found([prompt(f"赤い猫と{character}", language="ja") for character in "山川空海花"], "opening")
    assert [finding.lines for finding in findings] == [(1, 2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("text", "language", "frame"),
    [
        ("a red fox on the old wooden table", "en", "a _ _ on the _ _ _"),
        ("A FOX, on a TABLE!", "en", "a _ on a _"),
        ("three cats and 2 dogs", "en", "three _ and 2 _"),
        ("one mug to the left of another", "en", "one _ to the left of another"),
        ("un gato en la mesa", "es", "un _ en la _"),
        ("ein fuchs auf dem tisch", "de", "ein _ auf dem _"),
        ("un chat sur la table", "fr", "un _ sur la _"),
        ("um gato na mesa", "pt", "um _ na _"),
        ("un gatto sul tavolo", "it", "un _ sul _"),
        ("a cat on a table", "xx", "_ _ _ _ _"),
    ],
)
def test_a_skeleton_keeps_the_function_words_of_its_language(text: str, language: str, frame: str) -> None:
    """Everything but determiners, prepositions, numerals and relation words becomes `_`."""
    (row,) = checked_rows([prompt(text, language=language)])
    assert " ".join(skeleton(row).tokens) == frame


def framed(frame: str, rows: int, group: str | None = None) -> list[LabeledPrompt]:
    """Different prompts with one frame: each `_` becomes a noun of its own."""
    nouns = (f"{noun}{number}" for number in count() for noun in NOUNS)
    return [prompt(" ".join(next(nouns) if w == "_" else w for w in frame.split()), group) for _ in range(rows)]


@pytest.mark.parametrize("frame", ["a _ with a _ on _", "a _ on a _", "_ of a _"])
@pytest.mark.parametrize(("rows", "reported"), [(5, False), (6, True)])
def test_a_frame_fails_from_the_sixth_row(frame: str, rows: int, reported: bool) -> None:
    """A frame, however bare, may come back five times, not six, however large the file."""
    findings = found([*framed(frame, rows), *filler(2000)], "skeleton")
    assert bool(findings) is reported
    assert all(finding.failed and finding.lines == tuple(range(1, rows + 1)) for finding in findings)
    assert all(f'"{frame}" is in 6 groups' in finding.message for finding in findings)


@pytest.mark.parametrize("frame", ["a _ and", "a _ _ _", "_ of _ _", "_ _ _ _ _"])
def test_short_frames_do_not_count(frame: str) -> None:
    """Fewer than four tokens or two function words say nothing about how a prompt was made."""
    assert not found(framed(frame, 8), "skeleton")


def test_rows_of_one_group_count_once() -> None:
    """A contrast pair shares its frame on purpose: ten rows of five groups are five."""
    rows = [row for pair in range(5) for row in framed("the _ of a _ in the _", 2, group=f"pair {pair}")]
    assert not found([*rows, *filler(500)], "skeleton")
    assert found([*rows, *framed("the _ of a _ in the _", 1)], "skeleton")[0].lines == (1, 3, 5, 7, 9, 11)


def test_frames_of_different_words_do_not_add_up() -> None:
    """Three rows of one frame and three of another are not six of one."""
    assert not found([*framed("a _ on the _ of _", 3), *framed("a _ at the _ of _", 3)], "skeleton")
