"""Why a prompt was decided as it was: parts that add up, and words that are left out one at a time."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.console import Console

from classifier import IntentClassifier
from classifier.explanation import MAX_SPANS, Explanation, explain
from classifier.explanation_view import render_explanation
from classifier.features import FeatureSpec, SurfaceFeatures
from classifier.head import LinearHead
from classifier.outlyingness import Outlyingness
from classifier.text import normalise
from tests.conftest import TrainedHome

CLASSES = ("preview", "text_heavy", "complex_logic")
FEATURES = [
    FeatureSpec("words", r"\w+", cap=80, log=True),
    FeatureSpec("vowels", "[aeiou]", cap=9),
    FeatureSpec("e", "e"),
]
DIM = 4
SEEDS = st.integers(0, 2**32 - 1)


class HashingEncoder:
    """Four numbers a text, and a note of every batch."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(len(texts))
        digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest()[:DIM] for text in texts]
        return np.array([[byte / 255 - 0.5 for byte in digest] for digest in digests], np.float32).reshape(-1, DIM)


def _classifier(seed: int) -> IntentClassifier:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(len(CLASSES), DIM + len(FEATURES))).astype(np.float32)
    head = LinearHead(weights, rng.normal(size=3).astype(np.float32), float(rng.uniform(0.3, 3)), CLASSES)
    near = Outlyingness(
        np.zeros((3, DIM), np.float32), np.eye(DIM, dtype=np.float32), np.linspace(0, 1, 101, dtype="f4")
    )
    return IntentClassifier(HashingEncoder(), SurfaceFeatures(FEATURES), head, near, threshold=0.5)


def _log_odds(classifier: IntentClassifier, text: str, explanation: Explanation) -> float:
    """The same log-odds by another way: from the probabilities that everybody else gets."""
    shares = dict(zip(CLASSES, classifier.predict_proba([text])[0].astype(np.float64), strict=True))
    return math.log(shares[explanation.prediction.intent] / shares[explanation.runner_up])


@given(st.text(max_size=200), SEEDS)
def test_the_parts_add_up(prompt: str, seed: int) -> None:
    """Bias, embedding and all features sum to the log-odds, and those are the ones of the probabilities."""
    classifier = _classifier(seed)
    found = explain(classifier, prompt)
    parts = [found.bias, found.embedding, *(feature.contribution for feature in found.features)]
    assert math.fsum(parts) == pytest.approx(found.log_odds, rel=1e-12, abs=1e-12)
    assert found.log_odds == pytest.approx(_log_odds(classifier, prompt, found), abs=1e-4)


@given(st.text(max_size=200), SEEDS)
def test_top_and_runner_up_are_those_of_the_prediction(prompt: str, seed: int) -> None:
    """The prediction is the one that predict gives; its log-odds against the next likeliest intent are not negative."""
    classifier = _classifier(seed)
    found = explain(classifier, prompt)
    [prediction] = classifier.predict([prompt])
    ranked = sorted(prediction.probabilities, key=lambda label: -prediction.probabilities[label])
    assert (found.prediction, found.runner_up) == (prediction, ranked[1])
    assert found.prediction.intent == ranked[0]
    assert found.log_odds > -1e-6


@given(st.text(max_size=200), SEEDS)
def test_features_come_weightiest_first(prompt: str, seed: int) -> None:
    """Every feature is there once, by its part's size; one that the prompt does not show adds nothing."""
    found = explain(_classifier(seed), prompt).features
    sizes = [abs(feature.contribution) for feature in found]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(feature.name for feature in found) == sorted(spec.name for spec in FEATURES)
    assert all(feature.contribution == 0 for feature in found if feature.value == 0)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), max_size=150), SEEDS)
def test_words_make_up_the_prompt(words: list[str], seed: int) -> None:
    """The spans are the normalised prompt in order, equal to a word, never more than the limit; all in one batch."""
    classifier = _classifier(seed)
    prompt = " ".join(words)
    found = explain(classifier, prompt).words
    assert " ".join(word.text for word in found) == normalise(prompt)
    lengths = [len(word.text.split()) for word in found]
    assert len(lengths) == min(MAX_SPANS, len(normalise(prompt).split()))
    assert not lengths or max(lengths) - min(lengths) <= 1
    assert classifier.encoder.batches == [len(found) + 1]  # type: ignore[attr-defined]


@given(st.lists(st.sampled_from(["a", "red", "cat", "eats", "bees"]), min_size=1, max_size=8), SEEDS)
def test_a_words_effect_is_what_leaving_it_out_takes_away(words: list[str], seed: int) -> None:
    """Each effect is the log-odds of the whole prompt less those of the prompt without the word."""
    classifier = _classifier(seed)
    found = explain(classifier, " ".join(words))
    for number, word in enumerate(found.words):
        rest = " ".join(words[:number] + words[number + 1 :])
        assert found.log_odds - word.effect == pytest.approx(_log_odds(classifier, rest, found), abs=1e-4)


def test_a_text_is_encoded_once() -> None:
    """A prediction, its strangeness included, costs one pass of the encoder, and an explained one one batch."""
    classifier = _classifier(0)
    classifier.predict(["two cats", "a logo"])
    assert classifier.predict([]) == []
    explain(classifier, "two cats")
    assert classifier.encoder.batches == [2, 3]  # type: ignore[attr-defined]


def test_an_empty_prompt_has_no_words() -> None:
    """Nothing can be left out of nothing; the parts are there all the same."""
    for prompt in ("", " \n\u200b"):
        found = explain(_classifier(0), prompt)
        assert found.words == ()
        assert found.bias + found.embedding == pytest.approx(found.log_odds)


def test_five_hundred_words_are_left_out_in_spans() -> None:
    """A long prompt costs no more than sixty variants: eight or nine words at a time."""
    found = explain(_classifier(0), " ".join(f"word{n}" for n in range(500)))
    assert len(found.words) == MAX_SPANS
    assert {len(word.text.split()) for word in found.words} == {8, 9}


def test_the_real_bundle_names_the_lettering(trained: TrainedHome) -> None:
    """In a plain order for lettering, a word that speaks of it moves the decision most, and the parts add up too."""
    classifier = IntentClassifier.from_pretrained(trained.bundle)
    found = explain(classifier, "a bakery window with a sign that says FRESH BREAD")
    assert found.prediction.intent == "text_heavy"
    strongest = max(found.words, key=lambda word: word.effect)
    assert strongest.text in {"sign", "says", "FRESH", "BREAD"}
    assert strongest.effect > 0
    parts = [found.bias, found.embedding, *(feature.contribution for feature in found.features)]
    assert math.fsum(parts) == pytest.approx(found.log_odds, rel=1e-12)
    assert found.log_odds == pytest.approx(
        _log_odds(classifier, "a bakery window with a sign that says FRESH BREAD", found), abs=1e-3
    )


def test_a_prompt_is_never_markup() -> None:
    """Square brackets of a prompt are shown as they are, numbers with their signs beside them."""
    prompt = "[bold]loud[/bold] [red] cat :smile:"
    shown = io.StringIO()
    Console(file=shown, width=200).print(render_explanation(explain(_classifier(3), prompt)))
    for word in prompt.split():
        assert f"{word} +" in shown.getvalue() or f"{word} -" in shown.getvalue()
    assert "(embedding)" in shown.getvalue()


def test_nothing_to_show_is_said() -> None:
    """An empty prompt's explanation says that there are no words."""
    shown = io.StringIO()
    Console(file=shown, width=200).print(render_explanation(explain(_classifier(3), "")))
    assert "no words" in shown.getvalue()
