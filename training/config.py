"""What a training run can be told. Everything that changes the result is here, and logged as the run's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DATA_FILE = Path("data/prompts.jsonl")
TEST_FILE = Path("data/test.jsonl")
DEFAULT_ENCODER = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How the encoder is fine-tuned. `augmented` is the share of prompts changed anew in every epoch (`augmentation`),
    `max_tokens` cuts long prompts while training only."""

    epochs: int = 3
    learning_rate: float = 5e-5
    head_learning_rate: float = 2e-3
    batch_size: int = 32
    feature_weight: float = 0.3
    augmented: float = 0.4
    max_tokens: int = 160
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run.

    Attributes:
        encoder: `all-MiniLM-L6-v2`, or any sentence-transformers name or folder.
        c: inverse regularisation strength of the logistic regression.
        feature_weight: scale of the standardised surface features beside the unit-norm embedding.
        held_back: one part in so many is held back for the calibration temperature and the abstention threshold.
        augmented: share of the fitted prompts that the head also sees changed (see `augmentation`).
        fine_tuning: how the encoder is fine-tuned first; None keeps it frozen (the quick form).
        target_precision: lenient precision the answered prompts shall reach; sets the threshold.
        threads: for torch, onnxruntime and scikit-learn; part of what makes a bundle reproducible.
    """

    data: Path = DATA_FILE
    test: Path = TEST_FILE
    encoder: str = DEFAULT_ENCODER
    c: float = 1.0
    feature_weight: float = 0.2
    held_back: int = 8
    augmented: float = 0.4
    fine_tuning: FineTuning | None = None
    target_precision: float = 0.9
    seed: int = 0
    threads: int = 2
