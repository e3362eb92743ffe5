"""Embeddings are computed once: kept under the state folder by the encoder's hash, the precision and the texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.encoder_source import EncoderSource, fast_bfloat16

_CHUNK = 256


def embed(
    source: EncoderSource, texts: Sequence[str], cache: Path, advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float32]:
    """Unit vectors of normalised texts, float32 of shape (len(texts), dim); `advance` hears of every finished chunk."""
    import joblib  # noqa: PLC0415

    kept = cache / f"embeddings-{_key(source, texts)}.joblib"
    if kept.exists():
        advance(len(texts))
        loaded: NDArray[np.float32] = joblib.load(kept)
        return loaded
    vectors = encode(source, texts, advance)
    cache.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(".new")
    joblib.dump(vectors, fresh)
    fresh.replace(kept)
    return vectors


def encode(
    source: EncoderSource, texts: Sequence[str], advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float32]:
    """As `embed`, without the cache."""
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors = np.zeros((len(texts), source.model.get_embedding_dimension() or 0), dtype=np.float32)
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast_bfloat16()):
            batch = source.model.encode([texts[i] for i in rows], show_progress_bar=False, convert_to_tensor=True)
        # In single precision: half leaves lengths a thousandth off.
        vectors[rows] = torch.nn.functional.normalize(batch.float(), dim=-1).numpy()
        advance(len(rows))
    return vectors


def _key(source: EncoderSource, texts: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{source.sha256} {fast_bfloat16()}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:32]
