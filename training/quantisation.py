"""From floats to 8-bit integers: what makes the rounding small enough that nearly no label feels it.

Weights get a scale a channel, activations one scale a tensor, found anew for every prompt. Of the 8 bits of a weight
7 are used: processors without VNNI add pairs of products in 16 bits, which 8 would overflow, so that the same bundle
would answer otherwise there. Before that, two things are done in torch. Every channel of an activation is divided by
its usual size, and its weights are multiplied by it (after Xiao et al. 2023, SmoothQuant): few channels are large, and
would leave the others a handful of steps. And every row of an embedding table gets a scale of its own, because few
tokens are large.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

# How much of a channel's size goes into its weights, which have scales of their own and bear it.
_MIGRATED = 0.9
_LEAST = 1e-4
_SILENT = 0.1


def smoothed(model: SentenceTransformer, probes: Sequence[str]) -> SentenceTransformer:
    """A copy of the model that answers as it does, ready to be rounded; `probes` show how large its activations are."""
    import torch  # noqa: PLC0415

    smooth: SentenceTransformer = copy.deepcopy(model).eval()
    sizes = _sizes(smooth, probes)
    for parent, name, module in list(_parts(smooth)):
        if isinstance(module, torch.nn.Linear) and module in sizes:
            setattr(parent, name, _evened(module, sizes[module]))
        elif isinstance(module, torch.nn.Embedding):
            setattr(parent, name, _by_rows(module))
    return smooth


def quantise(plain: Path, path: Path) -> None:
    """Write the graph at `plain` to `path` with its matrix products in 8-bit integers."""
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    with _silent():
        quantize_dynamic(
            plain, path, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul"], extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )  # fmt: skip


@contextmanager
def _silent() -> Iterator[None]:
    # It advises to let its own optimizer go first, on the root logger.
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _parts(model: torch.nn.Module) -> Iterator[tuple[torch.nn.Module, str, torch.nn.Module]]:
    return ((parent, name, child) for parent in model.modules() for name, child in parent.named_children())


def _sizes(model: SentenceTransformer, probes: Sequence[str]) -> dict[torch.nn.Module, torch.Tensor]:
    """The largest absolute value that every input channel of every linear layer had on the probes."""
    import torch  # noqa: PLC0415

    seen: dict[torch.nn.Module, torch.Tensor] = {}

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], _: Any) -> None:
        size = inputs[0].detach().abs().flatten(0, -2).amax(0)
        seen[module] = torch.maximum(seen[module], size) if module in seen else size

    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    hooks = [module.register_forward_hook(note) for module in linear]
    for probe in probes:  # one by one: padding is no prompt
        model.encode([probe], show_progress_bar=False)
    for hook in hooks:
        hook.remove()
    return seen


def _evened(linear: torch.nn.Linear, size: torch.Tensor) -> torch.nn.Module:
    import torch  # noqa: PLC0415

    weight = linear.weight.detach().abs().amax(0).clamp(min=_LEAST)
    # A channel that was silent on the probes may yet speak.
    scale = size.clamp(min=_SILENT * size.mean()) ** _MIGRATED / weight ** (1 - _MIGRATED)

    class Evened(torch.nn.Module):
        """The same product, of smaller inputs and larger weights."""

        share: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.linear = copy.deepcopy(linear)
            self.linear.weight.data *= scale
            self.register_buffer("share", 1 / scale)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            product: torch.Tensor = self.linear(inputs * self.share)
            return product

    return Evened()


def _by_rows(embedding: torch.nn.Embedding) -> torch.nn.Module:
    import torch  # noqa: PLC0415

    weight = embedding.weight.detach()
    scale = weight.abs().amax(1, keepdim=True).clamp(min=_LEAST) / 127

    class ByRows(torch.nn.Module):
        """The same table in 8-bit integers."""

        table: torch.Tensor
        scale: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.round(weight / scale).to(torch.int8))
            self.register_buffer("scale", scale)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.table[ids].float() * self.scale[ids]

    return ByRows()
