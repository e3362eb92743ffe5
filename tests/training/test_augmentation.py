"""Changed copies of prompts: repeatable, of the wanted share, and in other words than robustness is measured with."""

from __future__ import annotations

import pytest

from training.augmentation import _AFTER, _BEFORE, _LABELS, _wordings, augment
from training.gadgets import GADGETS
from training.perturbations import _ASKING, _GREETING, STYLES

PROMPTS = [f'a {noun} number {i} with a label saying "Old Tom"' for i in range(100) for noun in ("fox", "tram", "loom")]


def test_the_same_seed_gives_the_same_copies() -> None:
    """And another seed others."""
    assert augment(PROMPTS, 0.5, 3) == augment(PROMPTS, 0.5, 3) != augment(PROMPTS, 0.5, 4)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_about_the_wanted_share_is_changed(share: float) -> None:
    """An edit now and then leaves a prompt as it was; never more are changed than drawn."""
    changed = sum(new != old for new, old in zip(augment(PROMPTS, share, 0), PROMPTS, strict=True)) / len(PROMPTS)
    assert share - 0.12 <= changed <= share + 0.08


def test_quoted_words_stay() -> None:
    """They are the picture's own, so that the label stays true."""
    assert all('"Old Tom"' in text for text in augment(PROMPTS, 1.0, 0))


def test_no_wording_is_also_measured_with() -> None:
    """What `stress` asks is nothing that was learned by heart."""
    learned = {
        text.replace("{label}", label).strip(" .,\n").casefold()
        for text in (*_wordings("styles"), *_wordings("wrappers"), *_BEFORE, *_AFTER)
        for label in _LABELS
    }
    measured = {*STYLES, *_ASKING, *_GREETING, *(g.before for g in GADGETS), *(g.after for g in GADGETS)}
    shared = learned & {text.strip(" .,\n").casefold() for text in measured if text}
    assert shared == set()
