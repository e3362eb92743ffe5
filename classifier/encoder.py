"""Sentence embeddings without torch: the exported encoder on onnxruntime, tokenised by Hugging Face tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifier.errors import BundleError

# The fused kernel takes four times as long as the two that it stands for (measured on AVX-512).
_SLOW = ["SkipLayerNormFusion"]


class Encoder(Protocol):
    """Anything that turns n texts into float32 unit vectors of shape (n, dim)."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, in order."""


class OnnxEncoder:
    """`encoder.onnx` (pooling and normalisation inside the graph) with its `tokenizer.json`. Thread-safe, no cache.

    Every prompt is a run of its own, several of them side by side: nothing is padded, and since a quantised graph
    rounds on a scale of its inputs, a prompt's vector would otherwise depend on the prompts around it.

    Args:
        model: graph with the input `input_ids`, int64 of shape (1, tokens), and one output (1, dim).
        tokenizer: Hugging Face `tokenizer.json`.
        max_tokens: longer prompts are cut here, special tokens included.
        threads: prompts encoded at the same time.

    Raises:
        BundleError: either file cannot be loaded.
    """

    def __init__(self, model: Path, tokenizer: Path, max_tokens: int, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session = ort.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW
            )
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # onnxruntime and tokenizers raise bare Exceptions
            raise BundleError(f"{model.parent}: the encoder cannot be loaded: {error}") from error
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        self._threads = threads
        self.dim = int(self._session.get_outputs()[0].shape[-1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 of shape (len(texts), dim), in the order of `texts`."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        if self._threads == 1 or len(tokens) < 2:
            rows = [self._run(ids) for ids in tokens]
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                rows = list(pool.map(self._run, tokens))
        return np.vstack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def _run(self, ids: list[int]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self._session.run(None, {"input_ids": np.array([ids], dtype=np.int64)})[0]
        return output
