"""Which script a prompt is in, and that a classifier does not pretend to read one it never saw."""

from __future__ import annotations

import numpy as np
import pytest

from classifier import IntentClassifier
from classifier.script import main_script
from tests.conftest import TrainedHome


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("a red bus", "LATIN"),
        ("señal de peligro", "LATIN"),
        ("красный автобус", "CYRILLIC"),
        ("红色的巴士", "CJK"),
        ("ひらがな", "HIRAGANA"),
        ("빨간 버스", "HANGUL"),
        ("a sign that says 営業中", "LATIN"),
        ("vinyl ビニール盤のレコードジャケット", "KATAKANA"),
        ("1234 !?", None),
        ("", None),
    ],
)
def test_the_script_of_most_letters_counts(text: str, script: str | None) -> None:
    """Words to be lettered in another script do not change what the prompt is written in."""
    assert main_script(text) == script


def test_an_unreadable_script_is_abstained_from_at_even_odds(trained: TrainedHome) -> None:
    """A real bundle, trained on Latin letters, is sure of nothing in Cyrillic, and as sure as ever in Latin."""
    classifier = IntentClassifier.from_pretrained(trained.bundle)
    assert classifier.scripts == {"LATIN"}
    russian, english = classifier.predict(["красный автобус на мосту", "a neon sign that says OPEN"])
    assert russian.abstained
    assert list(russian.probabilities.values()) == pytest.approx([1 / 3] * 3)
    assert english.confidence > 0.5
    # One prompt does not change another's answer.
    assert np.allclose(classifier.predict_proba(["a neon sign that says OPEN"])[0].max(), english.confidence, atol=1e-6)
