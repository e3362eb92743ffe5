"""From torch to ONNX: transformer, pooling and normalisation become one graph, proven equal and then quantised."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.encoder import OnnxEncoder
from training.encoder_source import EncoderSource
from training.errors import EncoderError

if TYPE_CHECKING:
    import torch

_OPSET = 17
# The least cosine between torch and onnxruntime in float32; both are right to about 1e-6.
_PARITY = 0.9999
# ... and the mean one after quantising. The head is fitted on what the quantised graph says: so much is no loss.
_QUANTISED_PARITY = 0.98


def export_encoder(source: EncoderSource, folder: Path, probes: Sequence[str], threads: int = 1) -> OnnxEncoder:
    """Write `encoder.onnx` and `tokenizer.json` into `folder` and prove them on `probes` (normalised texts).

    Raises:
        EncoderError: the model cannot be traced, or its export encodes a probe differently.
    """
    from training.quantisation import quantised  # noqa: PLC0415

    expected = source.model.encode(list(probes), normalize_embeddings=True, show_progress_bar=False)
    _export_tokenizer(source, folder / "tokenizer.json")
    sentence = _sentence(source)
    with TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        _export_graph(source, sentence, plain)
        _refuse_under(_PARITY, _cosines(_loaded(source, plain, folder, threads), probes, expected).min(), source)
    _export_graph(source, quantised(sentence, _ids(source, probes)), folder / "encoder.onnx")
    exported = _loaded(source, folder / "encoder.onnx", folder, threads)
    _refuse_under(_QUANTISED_PARITY, _cosines(exported, probes, expected).mean(), source)
    return exported


def _loaded(source: EncoderSource, graph: Path, folder: Path, threads: int) -> OnnxEncoder:
    return OnnxEncoder(graph, folder / "tokenizer.json", int(source.model.max_seq_length or 256), threads)


def _cosines(exported: OnnxEncoder, probes: Sequence[str], expected: NDArray[np.float32]) -> NDArray[np.float32]:
    cosines: NDArray[np.float32] = (exported.encode(probes) * np.asarray(expected)).sum(axis=1)
    return cosines


def _refuse_under(wanted: float, cosine: float, source: EncoderSource) -> None:
    if not cosine >= wanted:
        raise EncoderError(f"the exported {source.name} differs from the original: cosine {cosine:.5f} on its probes")


def _sentence(source: EncoderSource) -> torch.nn.Module:
    """Ids (1, tokens) -> unit vector (1, dim): packed where we know how, else as the model's own code has it."""
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    from training.packed_bert import PackedBert, is_bert  # noqa: PLC0415

    dim = source.model.get_embedding_dimension() or 0

    class Sentence(torch.nn.Module):
        """The sentence-transformers pipeline with tensors in and out."""

        def __init__(self) -> None:
            super().__init__()
            self.stages = torch.nn.ModuleList(source.model)

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            state = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
            for stage in self.stages:
                state = stage(state)
            # Reshaped, because not every pooling lets the tracer see how wide it is.
            return torch.nn.functional.normalize(state["sentence_embedding"], dim=-1).reshape(1, dim)

    return (PackedBert(source.model) if is_bert(source.model) else Sentence()).eval()


def _ids(source: EncoderSource, texts: Sequence[str]) -> list[torch.Tensor]:
    import torch  # noqa: PLC0415

    rows = source.model.tokenizer(list(texts), truncation=True, max_length=source.model.max_seq_length)["input_ids"]
    return [torch.tensor([row]) for row in rows]


def _export_graph(source: EncoderSource, sentence: torch.nn.Module, path: Path) -> None:
    import torch  # noqa: PLC0415

    ids = torch.ones((1, 8), dtype=torch.int64)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # The tracer warns of its own successor and of shape checks that hold for every input here.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                sentence, (ids,), str(path), input_names=["input_ids"], output_names=["embedding"],
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
