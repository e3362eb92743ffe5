"""What a training learns from: every prompt, changed copies of some, and which rows it holds back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.text import normalise
from training.augmentation import augment
from training.config import TrainConfig
from training.dataset import LabeledPrompt
from training.head_fitting import Split, hold_back


@dataclass(frozen=True, slots=True)
class Lesson:
    """n normalised texts with their labels; rows from `originals` on are changed copies, all of them fitted on."""

    texts: list[str]
    labels: list[str]
    split: Split
    originals: int


def read_lesson(rows: Sequence[LabeledPrompt], config: TrainConfig) -> Lesson:
    """Hold back whole groups, and add a changed copy of a share of the rest (see `augmentation`)."""
    texts, labels = [normalise(row.prompt) for row in rows], [row.intent for row in rows]
    split = hold_back(labels, [row.group for row in rows], config.held_back, config.seed)
    changed = [normalise(text) for text in augment([texts[i] for i in split.fit], config.augmented, config.seed)]
    copies = [(i, text) for i, text in zip(split.fit, changed, strict=True) if text != texts[i]]
    fit = np.concatenate([split.fit, np.arange(len(texts), len(texts) + len(copies))])
    return Lesson(
        [*texts, *(text for _, text in copies)],
        [*labels, *(labels[i] for i, _ in copies)],
        Split(fit, split.held_back),
        len(texts),
    )
