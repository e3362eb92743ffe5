"""Rows whose label a classifier that never saw them is sure is another one: candidates for a third reading.

Every row is judged by a classifier trained on other groups. Confident learning (Northcutt, Jiang and Chuang 2021, as
cleanlab has it) then asks how sure that classifier usually is of each class, so that a hard class is not blamed for
being hard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.features import SurfaceFeatures
from classifier.intents import DEFAULT_INTENTS
from classifier.text import normalise
from training.config import TrainConfig
from training.dataset import LabeledPrompt, require_classes
from training.embeddings import encode
from training.encoder_source import load_encoder
from training.fine_tuning import taught
from training.head_fitting import Split, fit_head, folds
from training.lexicon import SPECS

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row, by its position, that others than its label explain better: `said` with probability `confidence`."""

    position: int
    row: LabeledPrompt
    said: str
    confidence: float


def suspects(rows: Sequence[LabeledPrompt], probabilities: Floats) -> list[Suspect]:
    """The likely label errors, least believed first, by out-of-fold probabilities (n, k); a `second` is no error."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - pandas and scikit-learn, for this command only

    labels = [DEFAULT_INTENTS.index(row.intent) for row in rows]
    found = find_label_issues(
        labels, probabilities.astype(np.float64), return_indices_ranked_by="self_confidence", n_jobs=1
    )
    ranked = (_suspect(int(i), rows[int(i)], probabilities[int(i)]) for i in found)
    return [suspect for suspect in ranked if suspect.said not in (suspect.row.intent, suspect.row.second)]


def cross_validated(
    rows: Sequence[LabeledPrompt], config: TrainConfig, parts: int, advance: Callable[[int], None] = lambda _: None
) -> Floats:
    """Probabilities of every row by a classifier fitted on the other `parts - 1` parts of the groups, (n, k).

    Only the temperature, one number a part, is fitted on the rows that are judged. `advance` hears of prompts learned
    and embedded, `workload` says how many there are.

    Raises:
        DatasetError: a class has no row, or too few for so many parts.
        EncoderError: the encoder cannot be loaded.
    """
    require_classes(rows, config.data)
    texts, labels = [normalise(row.prompt) for row in rows], [row.intent for row in rows]
    splits = folds(labels, [row.group for row in rows], parts, config.seed)
    source, features = load_encoder(config.encoder, config.threads), SurfaceFeatures(SPECS)
    judged = np.zeros((len(rows), len(DEFAULT_INTENTS)), dtype=np.float32)
    surface = features.transform(texts)
    for split in splits:
        encoder = taught(source, [rows[i] for i in split.fit], features, config.fine_tuning, advance)
        inputs = np.hstack([encode(encoder, texts, advance), surface])
        judged[split.held_back] = _judged(inputs, labels, split, config)
    return judged


def workload(rows: int, config: TrainConfig, parts: int) -> int:
    """How many prompts `cross_validated` learns and embeds."""
    epochs = config.fine_tuning.epochs if config.fine_tuning else 0
    return rows * parts + rows * (parts - 1) * epochs


def _judged(inputs: Floats, labels: Sequence[str], split: Split, config: TrainConfig) -> Floats:
    width = inputs.shape[1] - len(SPECS)
    # What is judged here are labels, and by the writers who gave them.
    return fit_head(inputs, width, labels, split, DEFAULT_INTENTS, replace(config, plain_shift=0.0)).held_back


def _suspect(position: int, row: LabeledPrompt, probabilities: Floats) -> Suspect:
    top = int(probabilities.argmax())
    return Suspect(position, row, DEFAULT_INTENTS[top], float(probabilities[top]))
