"""Slips are mended, known words are not, and hostile prompts cost no more than others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import BundleError
from classifier.spelling import Spelling, spelled

SPELLING = Spelling(["sign", "mug", "poster", "posters", "signs"], ["sing", "roster"])
WORDS = st.lists(st.sampled_from(["sgin", "sing", "POSTRE", "caf\u00e9", "\u732b", "a", "x" * 40, "it's", "50%"]))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a neon sgin", "a neon sign"),
        ("a neon sin", "a neon sin"),
        ("signn", "sign"),
        ("Sgin and SGIN", "Sign and SIGN"),
        ("poser", "poster"),
        ("a sing and a roster", "a sing and a roster"),
        ("mgu", "mgu"),
        ("sgin's 4sgin sgin_x", "sign's 4sign sign_x"),
        ("", ""),
    ],
)
def test_an_unknown_word_of_four_letters_becomes_the_one_an_edit_away(written: str, read: str) -> None:
    """Swapped, dropped, doubled and missed letters; known words, short ones and the case stay."""
    assert SPELLING.mend(written) == read


def test_the_more_frequent_of_two_is_meant() -> None:
    """Both are an edit away."""
    assert Spelling(["lamp", "damp"]).mend("xamp") == "lamp"
    assert Spelling(["damp", "lamp"]).mend("xamp") == "damp"


def test_accents_are_no_slip() -> None:
    """Words are known without them, and an accented slip is mended like any other."""
    spelling = Spelling([spelled("jard\u00edn")])
    assert spelling.mend("el jard\u00edn, el Jardin") == "el jard\u00edn, el Jardin"
    assert spelling.mend("el jadr\u00edn") == "el jardin"


def test_without_words_nothing_is_mended() -> None:
    """The default of a classifier that knows none."""
    assert Spelling().mend("sgin") == "sgin"


@given(WORDS)
def test_mending_twice_is_mending_once(words: list[str]) -> None:
    """What it is mended to is known."""
    once = SPELLING.mend(" ".join(words))
    assert SPELLING.mend(once) == once
    assert len(once.split()) == len(" ".join(words).split())


def test_only_so_many_unknown_words_are_looked_at() -> None:
    """A prompt of a hundred thousand of them is left alone behind the first hundred."""
    mended = SPELLING.mend("sgin " * 100_000).split()
    assert (mended.count("sign"), mended.count("sgin")) == (100, 99_900)


def test_it_is_read_as_it_was_written() -> None:
    """Order of the targets and all."""
    again = Spelling.from_json(SPELLING.to_json())
    assert again.to_json() == SPELLING.to_json()
    assert again.mend("sgin, roster") == "sign, roster"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 2}', '{"format": 1, "targets": []}', '{"format": 1, "targets": 3}']
)
def test_anything_else_is_refused(text: str) -> None:
    """By a typed error that names the file."""
    with pytest.raises(BundleError, match=r"spelling\.json"):
        Spelling.from_json(text)
