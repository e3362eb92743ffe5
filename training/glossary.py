"""Words of other languages for an English encoder: each gets a place in the vocabulary and starts as its meaning.

An English WordPiece vocabulary cuts "taza" into pieces that mean nothing. With "taza" beginning as "mug" the layers
above read it at once, and fine-tuning does the rest (after Minixhofer et al. 2022, WECHSEL).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from training.encoder_source import EncoderSource, weights_sha256


def read_glossary() -> dict[str, str]:
    """Words as the tokenizer spells them (lower case, no accents) with their English, the most frequent first."""
    lines = resources.files("training").joinpath("glossary.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def speaking(source: EncoderSource, glossary: Mapping[str, str]) -> EncoderSource:
    """A copy of the encoder that has the glossary's words in its vocabulary, behind its own.

    An encoder whose vocabulary is not an uncased WordPiece one is given back as it is: it has other habits.
    """
    spelled = _spelled(source)
    if spelled is None:
        return source
    vocabulary: dict[str, int] = spelled["model"]["vocab"]
    new = [word for word in glossary if word not in vocabulary]
    model = copy.deepcopy(source.model)
    _grow(model, new, glossary)
    vocabulary |= {word: place for place, word in enumerate(new, start=len(vocabulary))}
    _respell(model, spelled)
    return replace(source, model=model, sha256=weights_sha256(model), revision=f"{source.revision}, with a glossary")


def _spelled(source: EncoderSource) -> dict[str, Any] | None:
    backend = getattr(source.model.tokenizer, "backend_tokenizer", None)
    spelled = json.loads(backend.to_str()) if backend is not None else {}
    wordpiece = spelled.get("model", {}).get("type") == "WordPiece" and (spelled["normalizer"] or {}).get("lowercase")
    return spelled if wordpiece else None


def _grow(model: Any, words: Sequence[str], glossary: Mapping[str, str]) -> None:
    """A row a word, behind all others: the mean of its English pieces', as long as they are on average."""
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    transformer = model[0].auto_model
    before = transformer.get_input_embeddings().weight.detach().clone()
    transformer.resize_token_embeddings(len(before) + len(words), mean_resizing=False)
    weights = transformer.get_input_embeddings().weight
    with torch.no_grad():
        for place, word in enumerate(words, start=len(before)):
            pieces = before[model.tokenizer(glossary[word], add_special_tokens=False)["input_ids"]]
            mean = pieces.mean(dim=0)
            weights[place] = mean * (pieces.norm(dim=1).mean() / mean.norm())


def _respell(model: Any, spelled: Mapping[str, Any]) -> None:
    from tokenizers import Tokenizer  # noqa: PLC0415

    model.tokenizer._tokenizer = Tokenizer.from_str(json.dumps(spelled, ensure_ascii=False))
