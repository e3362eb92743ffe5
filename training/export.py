"""From torch to ONNX: transformer, pooling and normalisation become one graph, proven equal before it is used."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifier.encoder import OnnxEncoder
from training.encoder_source import EncoderSource
from training.errors import EncoderError

_OPSET = 17
# Cosine between torch and onnxruntime in float32; both are right to about 1e-6.
_PARITY = 0.9999


def export_encoder(source: EncoderSource, folder: Path, probes: Sequence[str]) -> OnnxEncoder:
    """Write `encoder.onnx` and `tokenizer.json` into `folder` and prove them on `probes` (normalised texts).

    Raises:
        EncoderError: the model cannot be traced, or its export encodes a probe differently.
    """
    max_tokens = int(source.model.max_seq_length or 256)
    _export_graph(source, folder / "encoder.onnx")
    _export_tokenizer(source, folder / "tokenizer.json")
    exported = OnnxEncoder(folder / "encoder.onnx", folder / "tokenizer.json", max_tokens)
    expected = source.model.encode(list(probes), normalize_embeddings=True, show_progress_bar=False)
    worst = float((exported.encode(probes) * np.asarray(expected)).sum(axis=1).min())
    if not worst >= _PARITY:
        raise EncoderError(f"the exported {source.name} differs from the original: cosine {worst:.5f} on a probe")
    return exported


def _export_graph(source: EncoderSource, path: Path) -> None:
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    class Sentence(torch.nn.Module):
        """The sentence-transformers pipeline with tensors in and out."""

        def __init__(self) -> None:
            super().__init__()
            self.stages = torch.nn.ModuleList(source.model)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            state = {"input_ids": input_ids, "attention_mask": attention_mask}
            for stage in self.stages:
                state = stage(state)
            return torch.nn.functional.normalize(state["sentence_embedding"], dim=-1)

    ids = torch.ones((2, 8), dtype=torch.int64)
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {"embedding": {0: "batch"}}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # The tracer warns of its own successor and of shape checks that hold for every input here.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Sentence().eval(), (ids, torch.ones_like(ids)), str(path), input_names=names,
                output_names=["embedding"], dynamic_axes=axes, opset_version=_OPSET, dynamo=False,
            )  # fmt: skip
    except Exception as error:  # the tracer raises whatever the model's code raises
        raise EncoderError(f"encoder {source.name!r} cannot be exported to ONNX: {error}") from error


def _export_tokenizer(source: EncoderSource, path: Path) -> None:
    backend = getattr(source.model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderError(f"encoder {source.name!r} has no fast tokenizer; the service needs its tokenizer.json")
    row = json.loads(backend.to_str()) | {"padding": None, "truncation": None}
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
