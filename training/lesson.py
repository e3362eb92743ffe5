"""What a training learns from, and which rows it holds back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.text import normalise
from training.config import TrainConfig
from training.dataset import LabeledPrompt, require_classes
from training.errors import DatasetError
from training.head_fitting import Split, hold_back

CALIBRATION = "calibration"
"""The tag of rows that only temperature, threshold and the ranks of strangeness are fitted on."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """n normalised texts with their labels, and which of them are fitted on."""

    texts: list[str]
    labels: list[str]
    split: Split


def read_lesson(rows: Sequence[LabeledPrompt], config: TrainConfig) -> Lesson:
    """Groups with a row tagged for calibration are held back: writers of their own, as new to it as its users are.

    A file without any holds back a part of all groups instead, which tells less: other rows have made their writers
    known.

    Raises:
        DatasetError: a class has no row, or so many are tagged for calibration that it has none left to fit on; or
            there are too few to hold any back.
    """
    require_classes(rows, config.data)
    labels = [row.intent for row in rows]
    return Lesson([normalise(row.prompt) for row in rows], labels, _split(rows, labels, config))


def _split(rows: Sequence[LabeledPrompt], labels: Sequence[str], config: TrainConfig) -> Split:
    tagged = {row.group for row in rows if CALIBRATION in row.tags}
    held_back = np.array([row.group in tagged for row in rows], dtype=bool)
    spent = {row.intent for row in rows} - {row.intent for row, out in zip(rows, held_back, strict=True) if not out}
    if spent:
        named = ", ".join(sorted(spent))
        raise DatasetError(f"every row of {named} is tagged {CALIBRATION!r}: untag some to learn from")
    if held_back.any():
        return Split(np.flatnonzero(~held_back), np.flatnonzero(held_back))
    return hold_back(labels, [row.group for row in rows], config.held_back, config.seed)
