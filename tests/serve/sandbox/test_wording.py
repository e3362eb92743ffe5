"""Which words a prompt wants drawn, and how a model that cannot spell draws them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.sandbox.wording import garbled, wanted_words, without


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("banner: SALE 50% OFF, bold orange letters", "SALE 50% OFF"),
        ('a mug with "Hello World" on it', "Hello World"),
        ("a mug with “Hello World” on it", "Hello World"),
        ("a mug with 'Hello World' on it", "Hello World"),
        ("a mug with «Hello World» on it", "Hello World"),
        ("a mug with „Hello World“ on it", "Hello World"),
        ('a door with "OPEN" and "24h"', "OPEN\n24h"),
        ("a neon sign that says OPEN", "OPEN"),
        ("a neon sign saying open late in pink letters", "open late"),
        ("a sign reading Fresh Bread, rustic", "Fresh Bread"),
        ("a film poster titled The Sky Is Ours with stars", "The Sky Is Ours"),
        ("a cat named Bob asleep", "Bob"),
        ("text: we are closed. cosy", "we are closed"),
        ("sign that says NO WAY OUT! in red", "NO WAY OUT!"),
        ("poster: jazz night, blue", "jazz night"),
        ("a big SALE 50% OFF today", "SALE 50% OFF"),
    ],
)
def test_the_wanted_words_are_found(prompt: str, words: str) -> None:
    """Quotes come first, then what is said, then what is labelled, then capitals."""
    assert wanted_words(prompt) == words


@pytest.mark.parametrize(
    "prompt",
    [
        "quick mockup of a sneaker on a podium",
        "a man reading a book in a library",
        "a cat's toy and the dogs' bowls",
        'a 12" vinyl beside a 7" single',
        "3D render in 4K HDR",
        "A CAT ON A TREE",
        "a path from A to B",
        "",
    ],
)
def test_no_words_are_made_up(prompt: str) -> None:
    """Apostrophes, inch marks, jargon in capitals and a prompt all in capitals ask for no lettering."""
    assert wanted_words(prompt) is None


@settings(deadline=None)
@given(st.text(min_size=1).filter(str.strip))
def test_garbling_always_changes_something_and_is_repeatable(words: str) -> None:
    """At least one character differs, the length does not, and the same words are garbled alike."""
    spoilt = garbled(words)
    assert spoilt != words
    assert len(spoilt) == len(words)
    assert garbled(words) == spoilt


def test_garbling_goes_as_the_story_has_it() -> None:
    """The first word comes out right, noughts turn to letters, a letter is doubled."""
    assert garbled("SALE 50% OFF") == "SALE 5O% OOF"


@settings(deadline=None)
@given(st.text())
def test_any_prompt_can_be_read(prompt: str) -> None:
    """No prompt breaks the search for words, and what is found fits the limit."""
    words = wanted_words(prompt)
    assert words is None or 0 < len(words) <= 300


def test_the_caption_leaves_the_wanted_words_out() -> None:
    """A caption that repeated the lettering would pass for it."""
    assert without("A banner: Sale now, SALE NOW!", "sale now") == "A banner: […], […]!"
