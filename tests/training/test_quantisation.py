"""From torch to the graph that is served: packing changes nothing, rounding nearly nothing."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sentence_transformers.sentence_transformer.modules import Pooling

from tests.conftest import ROOT
from training.encoder_source import EncoderSource, load_encoder, weights_sha256
from training.export import export_encoder
from training.packed_bert import PackedBert, is_bert
from training.quantisation import _rounded, quantised

PROBES = [json.loads(row)["prompt"] for row in (ROOT / "data/test.jsonl").read_text("utf-8").splitlines()[::12]]
OTHERS = ["three green lamps left of a sofa", "mug that says worlds okayest dad", "fog over hills, 35mm, soft light"]


@pytest.fixture(scope="module")
def source() -> EncoderSource:
    return load_encoder("all-MiniLM-L6-v2", 2)


def ids(source: EncoderSource, texts: list[str]) -> list[torch.Tensor]:
    rows = source.model.tokenizer(texts, truncation=True, max_length=256)["input_ids"]
    return [torch.tensor([row]) for row in rows]


def encoded(source: EncoderSource, texts: list[str]) -> NDArray[np.float32]:
    return np.asarray(source.model.encode(texts, normalize_embeddings=True, show_progress_bar=False))


def test_rounding_changes_little_and_leaves_the_model(source: EncoderSource) -> None:
    """On prompts that showed no sizes too; the model given stays as it was."""
    before = weights_sha256(source.model)
    rounded = quantised(PackedBert(source.model), ids(source, PROBES))
    with torch.no_grad():
        said = np.vstack([rounded(row).numpy() for row in ids(source, OTHERS)])
    assert 0.98 < (said * encoded(source, OTHERS)).sum(axis=1).min() < 0.99999
    assert weights_sha256(source.model) == before


def test_an_error_is_made_good_by_the_weights_beside_it() -> None:
    """Where inputs go together, rounding with an eye on them loses less than half of what rounding alone does."""
    rng = torch.Generator().manual_seed(0)
    inputs = torch.randn(400, 6, generator=rng) @ torch.randn(6, 48, generator=rng)
    linear = torch.nn.Linear(48, 32)
    torch.nn.init.normal_(linear.weight, generator=rng)
    scale = linear.weight.detach().abs().amax(1) / 64
    ours = _rounded(linear.weight.detach(), scale, inputs.double().T @ inputs.double())
    plain = (linear.weight.detach() / scale[:, None]).round()
    lost = [float((inputs @ (whole * scale[:, None] - linear.weight.detach()).T).norm()) for whole in (ours, plain)]
    assert lost[0] < lost[1] / 2
    assert ours.dtype == torch.int8
    assert int(ours.abs().max()) <= 64


def test_packed_says_what_the_model_says(source: EncoderSource) -> None:
    """To six places, for one token as for many; and only of models that it knows."""
    packed = PackedBert(source.model).eval()
    texts = ["", *OTHERS, "tin robot " * 90]
    with torch.no_grad():
        said = np.vstack([packed(row).numpy() for row in ids(source, texts)])
    assert (said * encoded(source, texts)).sum(axis=1).min() > 1 - 1e-6


def test_another_architecture_is_traced_as_it_is(source: EncoderSource, tmp_path: Path) -> None:
    """Pooling by the first token is not what packing knows: the export follows the model's own code, quantised too."""
    model = copy.deepcopy(source.model)
    model[1] = Pooling(384, pooling_mode="cls")
    assert is_bert(source.model)
    assert not is_bert(model)
    other = replace(source, model=model)
    said = export_encoder(other, tmp_path, PROBES[:20]).encode(OTHERS)
    assert (said * encoded(other, OTHERS)).sum(axis=1).min() > 0.97


def test_the_export_says_nearly_what_torch_says(source: EncoderSource, tmp_path: Path) -> None:
    """In a quarter of the size, and the same whatever prompts are beside it."""
    exported = export_encoder(source, tmp_path, PROBES, threads=2)
    said = exported.encode(OTHERS)
    assert (said * encoded(source, OTHERS)).sum(axis=1).min() > 0.97
    assert np.array_equal(said, np.vstack([exported.encode([text]) for text in OTHERS]))
    assert (tmp_path / "encoder.onnx").stat().st_size < 30_000_000
    assert exported.encode([]).shape == (0, 384)
