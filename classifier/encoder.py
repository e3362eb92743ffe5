"""Sentence embeddings without torch: the exported encoder on onnxruntime, tokenised by Hugging Face tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from classifier.errors import BundleError

# Sorted by length and cut small, a batch pads little; larger batches gain nothing on a CPU.
MICRO_BATCH = 16


class Encoder(Protocol):
    """Anything that turns n texts into float32 unit vectors of shape (n, dim)."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, in order."""


class OnnxEncoder:
    """`encoder.onnx` (pooling and normalisation inside the graph) with its `tokenizer.json`. Thread-safe, no cache.

    Args:
        model: graph with inputs `input_ids` and `attention_mask`, int64 of shape (n, tokens), and one output (n, dim).
        tokenizer: Hugging Face `tokenizer.json`.
        max_tokens: longer prompts are cut here, special tokens included.
        threads: intra-op threads of onnxruntime.

    Raises:
        BundleError: either file cannot be loaded.
    """

    def __init__(self, model: Path, tokenizer: Path, max_tokens: int, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # onnxruntime and tokenizers raise bare Exceptions
            raise BundleError(f"{model.parent}: the encoder cannot be loaded: {error}") from error
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self.dim = int(self._session.get_outputs()[0].shape[-1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 of shape (len(texts), dim), in the order of `texts`."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        tokens = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i].ids))
        for start in range(0, len(order), MICRO_BATCH):
            rows = order[start : start + MICRO_BATCH]
            vectors[rows] = self._run([tokens[i] for i in rows])
        return vectors

    def _run(self, batch: list[Encoding]) -> NDArray[np.float32]:
        ids = np.zeros((len(batch), max(len(t.ids) for t in batch)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(batch):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        output: NDArray[np.float32] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return output
