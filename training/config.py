"""What a training run can be told. Everything that changes the result is here, and logged as the run's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DATA_FILE = Path("data/prompts.jsonl")
TEST_FILE = Path("data/test.jsonl")
DEFAULT_ENCODER = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run.

    Attributes:
        encoder: `all-MiniLM-L6-v2`, or any sentence-transformers name or folder.
        c: inverse regularisation strength of the logistic regression.
        feature_weight: scale of the standardised surface features beside the unit-norm embedding.
        folds: held-back folds for the calibration temperature and the abstention threshold.
        target_precision: lenient precision the answered prompts shall reach; sets the threshold.
        threads: for torch, onnxruntime and scikit-learn; part of what makes a bundle reproducible.
    """

    data: Path = DATA_FILE
    test: Path = TEST_FILE
    encoder: str = DEFAULT_ENCODER
    c: float = 1.0
    feature_weight: float = 0.2
    folds: int = 5
    target_precision: float = 0.9
    seed: int = 0
    threads: int = 2
