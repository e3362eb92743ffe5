"""A tiny real sentence-transformers model, so that a test can train in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.encoder_source import packaged_weights


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer BERT of random (seeded) weights and the default encoder's tokenizer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    body, folder = tmp_path_factory.mktemp("body"), tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(packaged_weights())
    tokenizer.save_pretrained(body)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=tokenizer.vocab_size, **shape)).save_pretrained(body)
    words = Transformer(str(body), max_seq_length=64)
    model = SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())], device="cpu")
    model.save_pretrained(str(folder))
    return folder
