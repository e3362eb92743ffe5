"""From torch to ONNX: transformer, pooling and normalisation become one graph, proven equal and then quantised.

Weights become 8-bit integers, a scale a channel, activations on the fly. Of the 8 bits 7 are used: processors without
VNNI add pairs of products in 16 bits, which 8 would overflow, so that the same bundle would answer otherwise there.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from classifier.encoder import OnnxEncoder
from training.encoder_source import EncoderSource
from training.errors import EncoderError

_OPSET = 17
# Cosine between torch and onnxruntime in float32; both are right to about 1e-6.
_PARITY = 0.9999
# ... and after quantising. The head is fitted on what the quantised graph says, so that this much is no loss.
_QUANTISED_PARITY = 0.95


def export_encoder(source: EncoderSource, folder: Path, probes: Sequence[str], threads: int = 1) -> OnnxEncoder:
    """Write `encoder.onnx` and `tokenizer.json` into `folder` and prove them on `probes` (normalised texts).

    Raises:
        EncoderError: the model cannot be traced, or its export encodes a probe differently.
    """
    expected = source.model.encode(list(probes), normalize_embeddings=True, show_progress_bar=False)
    _export_tokenizer(source, folder / "tokenizer.json")
    with TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        _export_graph(source, plain)
        _prove(source, _loaded(source, plain, folder, threads), probes, expected, _PARITY)
        _quantise(plain, folder / "encoder.onnx")
    exported = _loaded(source, folder / "encoder.onnx", folder, threads)
    _prove(source, exported, probes, expected, _QUANTISED_PARITY)
    return exported


def _loaded(source: EncoderSource, graph: Path, folder: Path, threads: int) -> OnnxEncoder:
    return OnnxEncoder(graph, folder / "tokenizer.json", int(source.model.max_seq_length or 256), threads)


def _prove(
    source: EncoderSource, exported: OnnxEncoder, probes: Sequence[str], expected: NDArray[np.float32], least: float
) -> None:
    worst = float((exported.encode(probes) * np.asarray(expected)).sum(axis=1).min())
    if not worst >= least:
        raise EncoderError(f"the exported {source.name} differs from the original: cosine {worst:.5f} on a probe")


def _quantise(plain: Path, path: Path) -> None:
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    # It advises to let its own optimizer go first, on the root logger.
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            plain, path, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)


def _export_graph(source: EncoderSource, path: Path) -> None:
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    class Sentence(torch.nn.Module):
        """The sentence-transformers pipeline with tensors in and out."""

        def __init__(self) -> None:
            super().__init__()
            self.stages = torch.nn.ModuleList(source.model)

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            state = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
            for stage in self.stages:
                state = stage(state)
            return torch.nn.functional.normalize(state["sentence_embedding"], dim=-1)

    ids = torch.ones((1, 8), dtype=torch.int64)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # The tracer warns of its own successor and of shape checks that hold for every input here.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Sentence().eval(), (ids,), str(path), input_names=["input_ids"], output_names=["embedding"],
                dynamic_axes={"input_ids": {1: "tokens"}}, opset_version=_OPSET, dynamo=False,
            )  # fmt: skip
    except Exception as error:  # the tracer raises whatever the model's code raises
        raise EncoderError(f"encoder {source.name!r} cannot be exported to ONNX: {error}") from error


def _export_tokenizer(source: EncoderSource, path: Path) -> None:
    backend = getattr(source.model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderError(f"encoder {source.name!r} has no fast tokenizer; the service needs its tokenizer.json")
    row = json.loads(backend.to_str()) | {"padding": None, "truncation": None}
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
