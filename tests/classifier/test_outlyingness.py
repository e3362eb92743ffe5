"""How strange a prompt is: a percentile of distances that the training prompts had when they were held back."""

from __future__ import annotations

import base64
import inspect
import json
import random
import shutil
import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classifier import BundleError, IntentClassifier, features, rows
from classifier.bundle import read_manifest, write_manifest
from classifier.outlyingness import Outlyingness
from classifier.text import normalise
from tests.conftest import TrainedHome

CENTROIDS = np.array([[0, 0, 0], [4, 0, 0]], np.float32)
QUANTILES = np.linspace(1, 3, 101, dtype=np.float32) ** 2
POINTS = arrays(np.float32, (20, 3), elements=st.floats(-20, 20, width=32))


CHAT = [
    "what is the capital of France?", "how do I cancel my subscription", "please summarise this email for me",
    "can you fix my python script", "thanks, that worked great!", "why is my wifi slow", "who won the 1998 world cup",
    "translate this sentence to German: good morning", "tell me a joke", "what is the weather tomorrow in Oslo",
    "is it safe to take ibuprofen with coffee", "my order never arrived, refund me", "book a table for four tonight",
]  # fmt: skip
EMPTY = ["", " ", ".", "?", "!!!!", "123456", "asdf", "0x7f3a", "\n\n"]


def _gibberish(draw: random.Random) -> str:
    return " ".join("".join(draw.choices(string.ascii_lowercase, k=draw.randint(4, 9))) for _ in range(8))


def _base64(draw: random.Random) -> str:
    return base64.b64encode(draw.randbytes(draw.randint(30, 200))).decode()


def _source_code(draw: random.Random) -> str:
    text = inspect.getsource(draw.choice([features, rows]))
    start = draw.randrange(len(text) - 600)
    return text[start : start + 600]


def _foreign() -> dict[str, list[str]]:
    draw = random.Random(0)
    drawn = {write.__name__: [write(draw) for _ in range(40)] for write in (_gibberish, _base64, _source_code)}
    return drawn | {"chat": CHAT, "empty": EMPTY}


@pytest.fixture(scope="module")
def classifier(trained: TrainedHome) -> IntentClassifier:
    return IntentClassifier.from_pretrained(trained.bundle)


@pytest.fixture(scope="module")
def prompts(trained: TrainedHome) -> list[str]:
    """Prompts for pictures that the bundle was not trained on."""
    return [json.loads(line)["prompt"] for line in trained.test.read_text("utf-8").splitlines()]


@given(POINTS)
def test_farther_is_never_less_strange(points: np.ndarray) -> None:
    """Percentiles are between 0 and 100 and keep the order of the distances."""
    near = Outlyingness(CENTROIDS, np.diag([1, 2, 3]).astype(np.float32), QUANTILES)
    percentiles = near.percentiles(points)[near.distances(points).argsort(kind="stable")]
    assert ((percentiles >= 0) & (percentiles <= 100)).all()
    assert (np.diff(percentiles) >= 0).all()


def test_the_nearest_class_counts() -> None:
    """The distance is to the nearest centroid, measured after whitening."""
    near = Outlyingness(CENTROIDS, np.diag([1, 2, 1]).astype(np.float32), QUANTILES)
    points = np.array([[0, 0, 0], [1, 0, 0], [3.5, 0, 0], [0, 1, 0]], np.float32)
    assert near.distances(points).tolist() == pytest.approx([0, 1, 0.5, 2])


def test_a_percentile_is_read_off_the_quantiles() -> None:
    """Nearer than all is 0, farther than all is 100, the median is 50."""
    near = Outlyingness(CENTROIDS[:1], np.eye(3, dtype=np.float32), QUANTILES)
    points = np.array([[0.5, 0, 0], [QUANTILES[50], 0, 0], [50, 0, 0]], np.float32)
    assert near.percentiles(points).tolist() == pytest.approx([0, 50, 100])


def test_prompts_are_ordinary_to_the_real_bundle(classifier: IntentClassifier, prompts: list[str]) -> None:
    """Of prompts for pictures that it was not trained on, few are called strange."""
    oods = np.array([prediction.ood for prediction in classifier.predict(prompts)])
    assert np.mean(oods < 95) > 0.7
    assert 30 < np.median(oods) < 90


@pytest.mark.parametrize("kind", _foreign())
def test_what_is_no_prompt_is_strange(classifier: IntentClassifier, kind: str) -> None:
    """Most random letters, base64, source code, chat and empty texts lie farther out than 95 of 100 prompts."""
    oods = np.array([prediction.ood for prediction in classifier.predict(_foreign()[kind])])
    assert np.mean(oods > 95) > 0.5


def test_plain_cosine_distance_would_see_less(classifier: IntentClassifier, prompts: list[str]) -> None:
    """Beyond 95 of 100 prompts, cosine distance to the same centroids finds far fewer of the foreign texts."""
    own = classifier.encoder.encode([normalise(prompt) for prompt in prompts])
    foreign = classifier.encoder.encode([normalise(text) for texts in _foreign().values() for text in texts])
    centroids = classifier.outlyingness.centroids
    centroids = centroids / np.linalg.norm(centroids, axis=1, keepdims=True)

    def cosine(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(1 - (vectors @ centroids.T).max(axis=1))

    def found(distances: Callable[[np.ndarray], np.ndarray]) -> float:
        return float(np.mean(distances(foreign) > np.quantile(distances(own), 0.95)))

    assert found(classifier.outlyingness.distances) > found(cosine) + 0.1


def test_an_older_bundle_asks_for_training(trained: TrainedHome, tmp_path: Path) -> None:
    """A whole bundle whose head knows no distances is refused, with what to do."""
    folder = Path(shutil.copytree(trained.bundle, tmp_path / "old"))
    with np.load(folder / "head.npz") as stored:
        np.savez(folder / "head.npz", **{name: stored[name] for name in ("W", "b", "temperature", "classes")})
    write_manifest(folder, read_manifest(trained.bundle))
    with pytest.raises(BundleError, match=r"no centroids, whitening, ood_quantiles: .* train again"):
        IntentClassifier.from_pretrained(folder)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"centroids": CENTROIDS[0]}, "do not fit together"),
        ({"whitening": np.eye(2)}, "do not fit together"),
        ({"ood_quantiles": QUANTILES[:-1]}, "do not fit together"),
        ({"ood_quantiles": QUANTILES[::-1]}, "never fall"),
        ({"ood_quantiles": np.full(101, np.nan)}, "never fall"),
        ({"whitening": np.array([{}], dtype=object)}, "not a readable head"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, wrong: dict[str, np.ndarray], reason: str) -> None:
    """Shapes, the quantiles' order and pickled objects are checked before anything is measured."""
    whole = Outlyingness(CENTROIDS, np.eye(3, dtype=np.float32), QUANTILES).arrays()
    np.savez(tmp_path / "head.npz", **whole)
    assert (Outlyingness.load(tmp_path / "head.npz").quantiles == QUANTILES).all()
    np.savez(tmp_path / "head.npz", **(whole | wrong))
    with pytest.raises(BundleError, match=reason):
        Outlyingness.load(tmp_path / "head.npz")


def test_centroids_of_another_model_are_refused(trained: TrainedHome, tmp_path: Path) -> None:
    """One centroid too few for the labels is a bundle that cannot be proven."""
    folder = Path(shutil.copytree(trained.bundle, tmp_path / "other"))
    with np.load(folder / "head.npz") as stored:
        np.savez(folder / "head.npz", **{**stored, "centroids": stored["centroids"][:2]})
    write_manifest(folder, read_manifest(trained.bundle))
    with pytest.raises(BundleError, match="centroids do not fit 3 classes"):
        IntentClassifier.from_pretrained(folder)
