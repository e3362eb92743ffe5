"""A BERT sentence encoder as the few large steps that it is, for one prompt a run.

What is traced from the model's own code spends half of its time between matrix products: on masks for a batch, shapes,
and three projections where one would do. Here a prompt comes alone, so there is no mask and no batch; queries, keys
and values are one product, the attention's scale is in the queries' weights, and the tables of positions and of token
types are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class PackedBert(torch.nn.Module):
    """The same function as a BERT model with mean pooling and normalisation: ids (1, tokens) -> unit vector (1, dim).

    Args:
        model: one that `is_bert` says yes to.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        bert: Any = model[0].auto_model
        self.words = bert.embeddings.word_embeddings
        places = bert.embeddings.position_embeddings.weight + bert.embeddings.token_type_embeddings.weight[0]
        self.register_buffer("places", places.detach().clone())
        self.norm = bert.embeddings.LayerNorm
        self.layers = torch.nn.ModuleList(PackedLayer(layer) for layer in bert.encoder.layer)

    places: torch.Tensor

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """One unit vector, float32 of shape (1, dim)."""
        state = self.norm(self.words(input_ids[0]) + self.places[: input_ids.shape[1]])
        for layer in self.layers:
            state = layer(state)
        mean = state.mean(dim=0, keepdim=True)
        unit: torch.Tensor = mean / mean.norm(dim=1, keepdim=True)
        return unit


class PackedLayer(torch.nn.Module):
    """One layer of the encoder: state (tokens, dim) -> state."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        attention = layer.attention.self
        self.heads: int = attention.num_attention_heads
        self.size: int = attention.attention_head_size
        scale = self.size**-0.5
        parts = [(attention.query, scale), (attention.key, 1.0), (attention.value, 1.0)]
        self.project = torch.nn.Linear(attention.query.in_features, 3 * self.heads * self.size)
        self.project.weight.data = torch.cat([part.weight.detach() * by for part, by in parts])
        self.project.bias.data = torch.cat([part.bias.detach() * by for part, by in parts])
        self.attended, self.attended_norm = layer.attention.output.dense, layer.attention.output.LayerNorm
        self.widen, self.narrow, self.norm = layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        """Attention, then the two dense layers, each added to what came in."""
        parts = self.project(state).view(-1, 3, self.heads, self.size).permute(1, 2, 0, 3)
        query, key, value = parts.split([1, 1, 1])
        shares = torch.softmax(query @ key.transpose(2, 3), dim=-1)
        seen = (shares @ value).transpose(1, 2).reshape(-1, self.heads * self.size)
        state = self.attended_norm(state + self.attended(seen))
        new: torch.Tensor = self.norm(state + self.narrow(torch.nn.functional.gelu(self.widen(state))))
        return new


def is_bert(model: SentenceTransformer) -> bool:
    """Whether `PackedBert` computes what this model does."""
    transformer, pooling, *rest = list(model) if len(model) > 1 else (None, None)
    bert: Any = getattr(transformer, "auto_model", None)
    return (
        type(bert).__name__ == "BertModel"
        and bert.config.hidden_act == "gelu"
        and not bert.config.is_decoder
        and getattr(pooling, "pooling_mode", None) in ("mean", ("mean",), ["mean"])
        and all(type(stage).__name__ == "Normalize" for stage in rest)
    )
