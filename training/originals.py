"""Which prompt is which one's translation."""

from __future__ import annotations

from collections.abc import Sequence

from training.dataset import LabeledPrompt

_ENGLISH = "en"


def originals(rows: Sequence[LabeledPrompt]) -> list[int]:
    """For each row the place of the English one that it translates, its own place where there is none to name.

    A group's translations are of its English prompts. A twin has another intent, so that the one of the same intent
    is meant; where there are two of it, either may be.
    """
    english: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        if row.language == _ENGLISH:
            english.setdefault((row.group, row.intent), []).append(place)
    found = []
    for place, row in enumerate(rows):
        meant = english.get((row.group, row.intent), [])
        found.append(meant[0] if row.language != _ENGLISH and len(meant) == 1 else place)
    return found
