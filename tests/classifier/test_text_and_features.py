"""Normalising prompts and counting what they show."""

from __future__ import annotations

import math
import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import BundleError
from classifier.features import FeatureSpec, SurfaceFeatures
from classifier.intents import parse_intent
from classifier.text import normalise
from training.lexicon import SPECS


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Normalisation is idempotent."""
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\u200bb", "ab"),
        ("  two \n\t words ", "two words"),
        ("\u201cOPEN\u201d", '"OPEN"'),
        ("\uff33\uff21\uff2c\uff25", "SALE"),
        ("na\u0131ve\x00", "na\u0131ve"),
        ("a\x90fox\x9f", "a fox"),
        ("s\u2066ig\u2069n", "sign"),
        ("s\U000e0073ig\U000e007fn", "sign"),
        ("s\u0456gn", "s\u0456gn"),
        ("", ""),
    ],
)
def test_tricks_and_typography_are_flattened(raw: str, clean: str) -> None:
    """Invisible characters vanish, quotes and full-width letters become plain, spaces single; look-alikes stay."""
    assert normalise(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a fox --ar 16:9 --v 6", "a fox"),
        ("a fox --no text, letters --style raw --tile", "a fox"),
        ("a fox --w 1024 --h 768 ", "a fox"),
        ("a fox --AR 3:2", "a fox"),
        ("a fox --sref http://127.0.0.1/y.png --sw 50", "a fox"),
        ("a fox --draft --ar 1:1", "a fox --draft"),
        ("a fox --ar 16:9 in a garden", "a fox --ar 16:9 in a garden"),
        ("tea --not coffee", "tea --not coffee"),
        ("--ar 16:9", "--ar 16:9"),
    ],
)
def test_parameters_at_the_end_are_no_part_of_the_picture(raw: str, clean: str) -> None:
    """They go; a wish for a draft, words between dashes and what is nothing but a parameter stay."""
    assert normalise(raw) == clean


def test_many_parameters_end() -> None:
    """A hostile tail is read once."""
    began = time.process_time()
    for tail in ("--a ", "--no ", " --v 6", "--v", "- -"):
        normalise("a fox " + tail * 30_000)
    assert time.process_time() - began < 10


def test_a_prompt_does_not_grow_without_bound() -> None:
    """Characters that stand for eighteen each are cut where plain ones are, and normalising again changes nothing."""
    grown = normalise("\ufdfa" * 30_000)
    assert len(grown) <= 32_000 == len(normalise("a" * 40_000))
    assert normalise(grown) == grown


@given(st.lists(st.text(max_size=300), max_size=5))
def test_features_stay_between_zero_and_one(texts: list[str]) -> None:
    """Every feature of every text is in [0, 1], one row a text."""
    values = SurfaceFeatures(SPECS).transform([normalise(text) for text in texts])
    assert values.shape == (len(texts), len(SPECS))
    assert values.dtype == np.float32
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ('a neon sign that says "OPEN"', "double_quoted"),
        ("mug that says worlds okayest dad", "says"),
        ("a library, no text", "no_text"),
        ("quick mockup of a sneaker", "draft"),
        ("three owls", "counts"),
        ("a pear below a clock", "spatial"),
        ("cat ((fluffy))", "flags"),
        ("banner: SALE 50% OFF", "capitals_run"),
    ],
)
def test_lexicon_sees_what_a_reader_sees(prompt: str, name: str) -> None:
    """Each sign of an intent lights its feature, and a plain prompt lights none of them."""
    features = SurfaceFeatures(SPECS)
    column = features.names.index(name)
    lit, plain = features.transform([normalise(prompt), "red apple"])[:, column]
    assert lit > 0
    assert plain == 0


def test_features_survive_their_json() -> None:
    """What is written into a bundle counts exactly as what was trained."""
    features = SurfaceFeatures(SPECS)
    again = SurfaceFeatures.from_json(features.to_json())
    assert again.specs == features.specs


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 2, "features": []}', '{"format": 1, "features": [{"name": "x", "pattern": "("}]}']
)
def test_unreadable_features_are_a_bundle_error(text: str) -> None:
    """Another format or a pattern that does not compile is refused."""
    with pytest.raises(BundleError):
        SurfaceFeatures.from_json(text)


def test_counts_are_capped() -> None:
    """A count over the cap is the cap, on both scales."""
    specs = [FeatureSpec("a", "a", cap=4), FeatureSpec("log", "a", cap=4, log=True)]
    assert SurfaceFeatures(specs).transform(["aa", "a" * 9]).tolist() == pytest.approx(
        np.array([[0.5, np.log(3) / np.log(5)], [1, 1]])
    )


@pytest.mark.parametrize(
    ("name", "intent"),
    [
        ("preview", "preview"),
        ("URGENT_PREVIEW", "preview"),
        (" TEXT_HEAVY", "text_heavy"),
        ("Complex_Logic", "complex_logic"),
    ],
)
def test_the_storys_spellings_are_intents(name: str, intent: str) -> None:
    """Any case, and the story's names, mean the same three intents."""
    assert parse_intent(name) == intent


def test_an_unknown_intent_lists_the_known() -> None:
    """The error says what would have been right."""
    with pytest.raises(ValueError, match="preview, text_heavy, complex_logic"):
        parse_intent("banner")


HOSTILE = ("a", "-", "'", '"', "A'", "a-", "A ", "a, A", "((", ". ", "schild", "no ", "é")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_hostile_prompts_end(spec: FeatureSpec) -> None:
    """Long runs of one piece: a pattern that looks back too often hangs here for minutes, as a service would."""
    features = SurfaceFeatures([spec])
    began = time.process_time()
    for piece in HOSTILE:
        features.transform([f"a {piece * (60_000 // len(piece))}"])
    assert time.process_time() - began < 30, "it hangs: no nested or adjacent unbounded repetition"


@pytest.mark.parametrize(
    "spec",
    [
        FeatureSpec("plain", r"\bposter\b", 3),
        FeatureSpec("escaped", r"\S+\bposter\B", 3),
        FeatureSpec("written large", r"\bPoster|BREAK\b", 3),
        FeatureSpec("in its own case", r"\b[A-Z]{2,}\b", 3, case=True),
        FeatureSpec("logarithmic", r"\w+", 50, log=True),
    ],
)
@pytest.mark.parametrize("text", ["POSTER Poster poster", "posters xposter, BREAK break", "Ünder ÄRGER ΣΑΣ", ""])
def test_case_counts_where_a_spec_says_so_and_nowhere_else(spec: FeatureSpec, text: str) -> None:
    """The same as Python's own IGNORECASE finds."""
    found = sum(1 for _ in re.finditer(spec.pattern, text, 0 if spec.case else re.IGNORECASE))
    capped = min(found, spec.cap)
    wanted = math.log1p(capped) / math.log1p(spec.cap) if spec.log else capped / spec.cap
    assert SurfaceFeatures([spec]).transform([text])[0, 0] == pytest.approx(wanted)
