"""The intents a prompt can have. A bundle's manifest names its own labels; these three are the default."""

from __future__ import annotations

from collections.abc import Sequence

PLAIN = "preview"
"""The intent of a prompt that asks for nothing in particular."""
DEFAULT_INTENTS = (PLAIN, "text_heavy", "complex_logic")

_SPELLINGS = {"urgent_preview": "preview"}


def parse_intent(name: str, classes: Sequence[str] = DEFAULT_INTENTS) -> str:
    """The label that `name` means, in any case and in the story's spellings (`URGENT_PREVIEW`, `TEXT_HEAVY`).

    Raises:
        ValueError: `name` is none of `classes`; the message lists them.
    """
    label = name.strip().lower()
    label = label if label in classes else _SPELLINGS.get(label, label)
    if label not in classes:
        raise ValueError(f"{name!r} is no intent: expected one of {', '.join(classes)}")
    return label
