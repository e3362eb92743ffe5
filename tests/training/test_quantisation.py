"""Quantising: made ready without a change to what is said, and then nearly none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import ROOT
from training.encoder_source import EncoderSource, load_encoder, weights_sha256
from training.export import export_encoder
from training.quantisation import smoothed

PROBES = [json.loads(row)["prompt"] for row in (ROOT / "data/test.jsonl").read_text("utf-8").splitlines()[::12]]
OTHERS = ["three green lamps left of a sofa", "mug that says worlds okayest dad", "fog over hills, 35mm, soft light"]


@pytest.fixture(scope="module")
def source() -> EncoderSource:
    return load_encoder("all-MiniLM-L6-v2", 2)


def encoded(source: EncoderSource, texts: list[str]) -> NDArray[np.float32]:
    return np.asarray(source.model.encode(texts, normalize_embeddings=True, show_progress_bar=False))


def test_smoothing_changes_nothing_but_the_tables_rounding(source: EncoderSource) -> None:
    """On prompts that showed no sizes too; and the model given stays as it was."""
    before = weights_sha256(source.model)
    smooth = smoothed(source.model, PROBES)
    said = np.asarray(smooth.encode(OTHERS, normalize_embeddings=True, show_progress_bar=False))
    assert (said * encoded(source, OTHERS)).sum(axis=1).min() > 0.999
    assert weights_sha256(source.model) == before


def test_the_export_says_nearly_what_torch_says(source: EncoderSource, tmp_path: Path) -> None:
    """In a quarter of the size, and the same whatever prompts are beside it."""
    exported = export_encoder(source, tmp_path, PROBES, threads=2)
    said = exported.encode(OTHERS)
    assert (said * encoded(source, OTHERS)).sum(axis=1).min() > 0.97
    assert np.array_equal(said, np.vstack([exported.encode([text]) for text in OTHERS]))
    assert (tmp_path / "encoder.onnx").stat().st_size < 30_000_000
    assert exported.encode([]).shape == (0, 384)
