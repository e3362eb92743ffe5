"""What was classified of late is known, and only that."""

from __future__ import annotations

from classifier import Prediction
from serve.remembered import Recalled, Remembered


def prediction(confidence: float) -> Prediction:
    return Prediction("preview", confidence, {"preview": confidence}, False, 1.0)


def test_the_prompt_asked_for_longest_ago_is_forgotten_first() -> None:
    """Being asked for counts, not being put."""
    remembered = Remembered(2)
    for text, confidence in (("a", 0.1), ("b", 0.2)):
        remembered.put(text, prediction(confidence))
    assert remembered.get("a") == prediction(0.1)
    remembered.put("c", prediction(0.3))
    assert remembered.get("b") is None
    assert remembered.get("c") == prediction(0.3)
    assert remembered.state == Recalled(asked=3, hits=2, held=2)


def test_nothing_is_remembered_of_what_is_long_or_unwanted() -> None:
    """A capacity of zero is none, and a book is not kept."""
    for remembered, text in ((Remembered(0), "a"), (Remembered(9), "a" * 2001)):
        remembered.put(text, prediction(0.5))
        assert remembered.get(text) is None
        assert remembered.state == Recalled(asked=1, hits=0, held=0)
