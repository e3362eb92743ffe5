"""Words of other languages for an English encoder: each takes a free place in the vocabulary and starts as its meaning.

An English WordPiece vocabulary cuts "taza" into pieces that mean nothing. With "taza" beginning as "mug" the layers
above read it at once, and fine-tuning does the rest (after Minixhofer et al. 2022, WECHSEL). The encoder keeps its
size: the places are those of `[unused]` tokens, of scripts that it cannot read anyhow, and of the rarest words that no
training prompt has.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from classifier.script import LATIN, main_script
from training.encoder_source import EncoderSource, weights_sha256


def read_glossary() -> dict[str, str]:
    """Words as the tokenizer spells them (lower case, no accents) with their English, the most frequent first."""
    lines = resources.files("training").joinpath("glossary.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def speaking(source: EncoderSource, glossary: Mapping[str, str], texts: Sequence[str]) -> EncoderSource:
    """A copy of the encoder that has the glossary's words in its vocabulary, as many as there are free places.

    An encoder whose vocabulary is not an uncased WordPiece one is given back as it is: it has other habits.

    Args:
        texts: normalised training prompts; the words in them keep their places.
    """
    spelled = _spelled(source)
    if spelled is None:
        return source
    vocabulary: dict[str, int] = spelled["model"]["vocab"]
    new = [word for word in glossary if word not in vocabulary]
    places = _free_places(vocabulary, _used(source, texts))
    model = copy.deepcopy(source.model)
    _place(model, {word: vocabulary[place] for word, place in zip(new, places, strict=False)}, glossary)
    for word, place in zip(new, places, strict=False):
        vocabulary[word] = vocabulary.pop(place)
    _respell(model, spelled)
    return replace(source, model=model, sha256=weights_sha256(model), revision=f"{source.revision}, with a glossary")


def _spelled(source: EncoderSource) -> dict[str, Any] | None:
    backend = getattr(source.model.tokenizer, "backend_tokenizer", None)
    spelled = json.loads(backend.to_str()) if backend is not None else {}
    wordpiece = spelled.get("model", {}).get("type") == "WordPiece" and (spelled["normalizer"] or {}).get("lowercase")
    return spelled if wordpiece else None


def _used(source: EncoderSource, texts: Sequence[str]) -> set[str]:
    return {token for text in texts for token in source.model.tokenizer.tokenize(text)}


def _free_places(vocabulary: Mapping[str, int], used: Iterable[str]) -> list[str]:
    """Tokens to give up, the least missed first; a vocabulary lists its words from the most frequent on."""
    kept = set(used)
    tokens = [token for token in sorted(vocabulary, key=vocabulary.__getitem__, reverse=True) if token not in kept]
    unused = [token for token in tokens if token.startswith("[unused")]
    unread = [token for token in tokens if main_script(token) not in {LATIN, None}]
    rare = [token for token in tokens if token.isascii() and token.isalpha() and len(token) > 1]
    return [*unused, *unread, *rare]


def _place(model: Any, places: Mapping[str, int], glossary: Mapping[str, str]) -> None:
    """Each word's embedding becomes the mean of its English pieces', as long as they are on average."""
    import torch  # noqa: PLC0415 - heavy, and only training pays for it

    weights = model[0].auto_model.get_input_embeddings().weight
    with torch.no_grad():
        before = weights.detach().clone()
        for word, place in places.items():
            pieces = before[model.tokenizer(glossary[word], add_special_tokens=False)["input_ids"]]
            mean = pieces.mean(dim=0)
            weights[place] = mean * (pieces.norm(dim=1).mean() / mean.norm())


def _respell(model: Any, spelled: Mapping[str, Any]) -> None:
    from tokenizers import Tokenizer  # noqa: PLC0415

    model.tokenizer._tokenizer = Tokenizer.from_str(json.dumps(spelled, ensure_ascii=False))
