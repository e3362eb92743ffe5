"""Words of other languages in an English vocabulary: whole, and near their meaning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier.text import normalise
from training.encoder_source import EncoderSource, load_encoder, weights_sha256
from training.export import export_encoder
from training.glossary import read_glossary, speaking

GLOSSARY = {"taza": "mug", "rotulo": "shop sign", "dog": "cat"}


@pytest.fixture(scope="module")
def source(tiny_encoder: Path) -> EncoderSource:
    return load_encoder(str(tiny_encoder), 1)


def _embedding(source: EncoderSource, token: str) -> np.ndarray:
    weights = source.model[0].auto_model.get_input_embeddings().weight.detach().numpy()
    return weights[source.model.tokenizer.convert_tokens_to_ids(token)]


def test_a_word_is_one_token_that_starts_as_its_meaning(source: EncoderSource) -> None:
    """As itself in one word, in the direction of the mean in two; accents and case are the tokenizer's affair."""
    tuned = speaking(source, GLOSSARY)
    assert tuned.model.tokenizer.tokenize("Taza, R\u00f3tulo") == ["taza", ",", "rotulo"]
    assert source.model.tokenizer.tokenize("taza") != ["taza"]
    assert np.allclose(_embedding(tuned, "taza"), _embedding(source, "mug"), atol=1e-6)
    mean = (_embedding(source, "shop") + _embedding(source, "sign")) / 2
    placed = _embedding(tuned, "rotulo")
    assert mean @ placed == pytest.approx(np.linalg.norm(mean) * np.linalg.norm(placed), rel=1e-5)


def test_words_it_has_stay(source: EncoderSource) -> None:
    """English words keep their own meaning and place; the vocabulary grows by the new ones; the encoder given stays."""
    before = weights_sha256(source.model)
    tuned = speaking(source, GLOSSARY)
    assert np.array_equal(_embedding(tuned, "dog"), _embedding(source, "dog"))
    assert len(tuned.model.tokenizer.get_vocab()) == len(source.model.tokenizer.get_vocab()) + 2
    assert len(tuned.model[0].auto_model.get_input_embeddings().weight) == len(tuned.model.tokenizer.get_vocab())
    assert weights_sha256(source.model) == before == source.sha256 != tuned.sha256
    assert tuned.revision.endswith("with a glossary")


def test_it_is_exported_as_it_was_taught(source: EncoderSource, tmp_path: Path) -> None:
    """The exported tokenizer and graph agree with torch on the new words, or the export raises."""
    exported = export_encoder(speaking(source, GLOSSARY), tmp_path, ["una taza con rotulo", "a dog"])
    assert not np.allclose(*exported.encode(["taza", "rotulo"]))


def test_another_kind_of_vocabulary_is_left_alone(source: EncoderSource) -> None:
    """Without an uncased WordPiece vocabulary there is nothing to be placed."""

    class Tokenizer:
        """No fast tokenizer behind it."""

    class Model:
        tokenizer = Tokenizer()

    other = replace(source, model=Model())  # type: ignore[arg-type]
    assert speaking(other, GLOSSARY) is other


def test_the_shipped_glossary_is_spelled_as_prompts_are_read() -> None:
    """Lower case, no accents, one word each, English glosses of one to three words."""
    glossary = read_glossary()
    assert len(glossary) > 16_000
    for word, gloss in glossary.items():
        assert word == normalise(word).lower()
        assert word.isascii()
        assert word.isalpha(), word
        assert gloss.isascii()
        assert gloss == gloss.lower()
        assert 1 <= len(gloss.split()) <= 3, (word, gloss)
