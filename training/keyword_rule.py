"""The rule a classifier has to beat: quotes and text words, then draft words, then counts and relations."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.features import SurfaceFeatures
from classifier.text import normalise
from training.lexicon import SPECS

_RULES = (
    ("text_heavy", ("double_quoted", "single_quoted", "says", "deliverable", "capitals_run")),
    ("preview", ("draft",)),
    ("complex_logic", ("counts", "spatial", "compare", "impossible")),
)
_OTHERWISE = "preview"


def keyword_intents(prompts: Sequence[str]) -> list[str]:
    """The rule's label for each prompt: the first row of the table with a match, else `preview`.

    A refusal of text ("no text") is not a request for it.
    """
    features = SurfaceFeatures(SPECS)
    values = features.transform([normalise(prompt) for prompt in prompts])
    return [_intent(dict(zip(features.names, row, strict=True))) for row in values]


def _intent(row: dict[str, float]) -> str:
    for label, names in _RULES:
        if any(row[name] for name in names) and not (label == "text_heavy" and row["no_text"]):
            return label
    return _OTHERWISE
