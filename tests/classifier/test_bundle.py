"""A bundle proves itself, or it is not used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from classifier import BundleError, IntentClassifier
from classifier.bundle import FILES, write_manifest
from classifier.head import LinearHead
from tests.conftest import TrainedHome


@pytest.fixture
def copy(trained: TrainedHome, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.bundle, tmp_path / "bundle"))


def test_a_loaded_bundle_classifies_the_storys_prompts(trained: TrainedHome) -> None:
    """Probabilities sum to one, labels come from the manifest, and lettering is told from a plain thing."""
    classifier = IntentClassifier.from_pretrained(trained.bundle)
    sale, sneaker = classifier.predict(["banner: SALE 50% OFF, bold orange letters", "quick mockup of a sneaker"])
    assert (sale.intent, sneaker.intent) == ("text_heavy", "preview")
    assert sum(sale.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert sale.confidence == max(sale.probabilities.values())
    assert tuple(sale.probabilities) == classifier.classes_


def test_no_texts_give_no_rows(trained: TrainedHome) -> None:
    """An empty list is a value: shape (0, k)."""
    classifier = IntentClassifier.from_pretrained(trained.bundle)
    assert classifier.predict_proba([]).shape == (0, 3)
    assert classifier.predict([]) == []


def test_a_batch_says_what_single_prompts_say(trained: TrainedHome) -> None:
    """Padding changes no probability by more than float noise."""
    classifier = IntentClassifier.from_pretrained(trained.bundle, threads=2)
    prompts = ["cat", "a very long prompt " * 60, "", "two forks, one bent", "\u732b"]
    together = classifier.predict_proba(prompts)
    apart = np.vstack([classifier.predict_proba([prompt]) for prompt in prompts])
    assert np.abs(together - apart).max() < 1e-5


def test_the_estimator_for_people_agrees_with_the_arrays(trained: TrainedHome) -> None:
    """head.joblib and head.npz give the same probabilities for the same inputs."""
    classifier = IntentClassifier.from_pretrained(trained.bundle)
    inputs = classifier.inputs(["a red apple", 'a sign that says "go"', "one cat on two dogs"])
    estimator = joblib.load(trained.bundle / "head.joblib")
    assert np.abs(estimator.predict_proba(inputs) - classifier.head.predict_proba(inputs)).max() < 1e-5


@pytest.mark.parametrize("name", [*FILES])
def test_one_flipped_byte_is_refused(copy: Path, name: str) -> None:
    """Any file that is not the manifest's is refused by name."""
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=name):
        IntentClassifier.from_pretrained(copy)


@pytest.mark.parametrize("name", ["manifest.json", "head.npz"])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    """A half-copied bundle names what it lacks."""
    (copy / name).unlink()
    with pytest.raises(BundleError, match=name):
        IntentClassifier.from_pretrained(copy)


def _rewrite(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = folder / "manifest.json"
    row = json.loads(path.read_text())
    change(row)
    path.write_text(json.dumps(row))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row.update(format=4), "format 4"),
        (lambda row: row.update(labels=["a", "b", "c"]), "labels"),
        (lambda row: row.update(canaries=[]), "canary"),
        (lambda row: row["canaries"][0].update(probabilities=[1.0, 0.0, 0.0]), "canary"),
        (lambda row: row["files"].pop("head.npz"), "lists"),
        (lambda row: row.update(surprise=1), "surprise"),
    ],
)
def test_a_manifest_that_lies_is_refused(copy: Path, change: Callable[[dict[str, object]], None], reason: str) -> None:
    """Format, labels, canaries and file list are held against what is there."""
    _rewrite(copy, change)
    with pytest.raises(BundleError, match=reason):
        IntentClassifier.from_pretrained(copy)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row.update(threshold=float("nan")), "threshold must be a finite number"),
        (lambda row: row.update(threshold=1.5), "threshold must be"),
        (lambda row: row.update(threshold="0.5"), "threshold must be"),
        (lambda row: row.update(threshold=True), "threshold must be"),
        (lambda row: row.pop("threshold"), "threshold is missing"),
        (lambda row: row["encoder"].update(max_tokens=0), r"encoder\.max_tokens must be"),
        (lambda row: row["encoder"].update(max_tokens=2**70), r"encoder\.max_tokens must be"),
        (lambda row: row.update(encoder=None), "encoder must be an object"),
        (lambda row: row.update(scripts="LATIN"), "scripts must be a list of strings"),
        (lambda row: row.update(scripts=[1]), "scripts must be"),
        (lambda row: row.update(files=["head.npz"]), "files must be an object"),
        (lambda row: row.update(labels=None), "labels must be"),
        (lambda row: row.update(canaries=["a cat"]), r"canaries\[0\] must be an object"),
        (lambda row: row["canaries"][1].update(prompt=None), r"canaries\[1\]\.prompt must be"),
        (lambda row: row["canaries"][1].update(probabilities=[1.0]), r"canaries\[1\]\.probabilities has 1 entries"),
        (lambda row: row["canaries"][1].update(probabilities=["a", 0, 1]), r"canaries\[1\]\.probabilities must be"),
    ],
)
def test_a_field_of_another_kind_is_named(copy: Path, change: Callable[[dict[str, Any]], None], reason: str) -> None:
    """Whatever somebody wrote into a manifest, the refusal is ours and says where it stands."""
    _rewrite(copy, change)
    with pytest.raises(BundleError, match=rf"manifest\.json: {reason}"):
        IntentClassifier.from_pretrained(copy)


def test_a_pickled_head_is_never_unpickled(copy: Path) -> None:
    """An npz of Python objects is refused, even with a manifest that vouches for it."""
    np.savez(copy / "head.npz", W=np.array([{"object": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match="head"):
        LinearHead.load(copy / "head.npz")


def test_a_bundle_is_not_written_without_all_its_parts(copy: Path, trained: TrainedHome) -> None:
    """Writing names the missing part."""
    manifest = IntentClassifier.from_pretrained(trained.bundle)
    assert manifest.version == trained.answer["bundle"]
    (copy / "encoder.onnx").unlink()
    from classifier.bundle import read_manifest

    with pytest.raises(BundleError, match=r"encoder\.onnx"):
        write_manifest(copy, read_manifest(trained.bundle))
