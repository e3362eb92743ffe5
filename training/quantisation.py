"""From floats to 8-bit integers: what makes the rounding small enough that nearly no label feels it.

Weights get a scale a channel, activations one scale a tensor, found anew for every prompt. Of the 8 bits of a weight
7 are used: processors without VNNI add pairs of products in 16 bits, which 8 would overflow, so that the same bundle
would answer otherwise there. Three things keep the error small. Every channel of an activation is divided by its usual
size, and its weights are multiplied by it (after Xiao et al. 2023, SmoothQuant): few channels are large, and would
leave the others a handful of steps. What rounding one weight gets wrong, the weights of its row that are still to be
rounded make good (Frantar et al. 2023, GPTQ). And every row of an embedding table gets a scale of its own, because few
tokens are large.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch

# How much of a channel's size goes into its weights, which have scales of their own and bear it.
_MIGRATED = 0.8
_LEAST = 1e-4
_SILENT = 0.1
# Seven bits and a sign: the sum of two products of an unsigned byte with one of these still fits in 16 bits.
_LARGEST = 64
# Of the mean of the inputs' second moments, added to each: what the probes do not show is no reason to be sure.
_DAMPING = 0.01


def quantised(encoder: torch.nn.Module, probes: Sequence[torch.Tensor]) -> torch.nn.Module:
    """A copy of the encoder in 8-bit integers; `probes`, ids of shape (1, tokens), show what activations are like."""
    copied = copy.deepcopy(encoder).eval()
    sizes = {layer: inputs.abs().amax(0) for layer, inputs in _inputs(copied, probes)}
    for parent, name, module in list(_parts(copied)):
        if isinstance(module, torch.nn.Linear) and module in sizes:
            setattr(parent, name, _Evened(module, sizes[module]))
        elif isinstance(module, torch.nn.Embedding):
            setattr(parent, name, _ByRows(module.weight.detach()))
    moments = {layer: inputs.T @ inputs for layer, inputs in _inputs(copied, probes)}
    for module in list(copied.modules()):
        if isinstance(module, _Evened):
            module.product = _Rounded(module.product, moments[module.product])
    return copied


def _parts(encoder: torch.nn.Module) -> Iterator[tuple[torch.nn.Module, str, torch.nn.Module]]:
    return ((parent, name, child) for parent in encoder.modules() for name, child in parent.named_children())


def _inputs(encoder: torch.nn.Module, probes: Sequence[torch.Tensor]) -> Iterator[tuple[torch.nn.Module, torch.Tensor]]:
    """What every linear layer was given, float64 of shape (all tokens, its inputs)."""
    seen: dict[torch.nn.Module, list[torch.Tensor]] = {}

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], _: Any) -> None:
        seen.setdefault(module, []).append(inputs[0].detach().flatten(0, -2))

    linear = [module for module in encoder.modules() if isinstance(module, torch.nn.Linear)]
    hooks = [module.register_forward_hook(note) for module in linear]
    with torch.no_grad():
        for probe in probes:
            encoder(probe)
    for hook in hooks:
        hook.remove()
    return ((module, torch.cat(parts).double()) for module, parts in seen.items())


class _Evened(torch.nn.Module):
    """The same product, of smaller inputs and larger weights."""

    share: torch.Tensor

    def __init__(self, linear: torch.nn.Linear, size: torch.Tensor) -> None:
        super().__init__()
        weight = linear.weight.detach().abs().amax(0).clamp(min=_LEAST)
        # A channel that was silent on the probes may yet speak.
        scale = size.clamp(min=_SILENT * float(size.mean())).float() ** _MIGRATED / weight ** (1 - _MIGRATED)
        self.product: Any = copy.deepcopy(linear)
        self.product.weight.data *= scale
        self.register_buffer("share", 1 / scale)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.product(inputs * self.share)
        return result


class _Rounded(torch.nn.Module):
    """The same product in integers; `moments`, float64 of shape (inputs, inputs), say how inputs go together."""

    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(self, linear: torch.nn.Linear, moments: torch.Tensor) -> None:
        super().__init__()
        scale = linear.weight.detach().abs().amax(1).clamp(min=_LEAST / _LARGEST) / _LARGEST
        self.register_buffer("weight", _rounded(linear.weight.detach(), scale, moments).T.contiguous())
        self.register_buffer("scale", scale)
        self.bias = linear.bias

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = _Product.apply(inputs, self.weight, self.scale)  # type: ignore[no-untyped-call]
        return product if self.bias is None else product + self.bias


def _rounded(weight: torch.Tensor, scale: torch.Tensor, moments: torch.Tensor) -> torch.Tensor:
    """Whole numbers, int8 of the weight's shape (outputs, inputs), rounded input by input, the largest first."""
    order = torch.argsort(moments.diag(), descending=True)
    damped = moments[order][:, order] + _DAMPING * moments.diag().mean().clamp(min=_LEAST) * torch.eye(len(order))
    inverse = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(damped)), upper=True)
    left = weight[:, order].double() / scale[:, None]
    whole = torch.empty_like(left)
    for i, row in enumerate(inverse):
        whole[:, i] = left[:, i].round().clamp(-_LARGEST, _LARGEST)
        left[:, i:] -= torch.outer((left[:, i] - whole[:, i]) / row[i], row[i:])
    return whole[:, torch.argsort(order)].to(torch.int8)


class _Product(torch.autograd.Function):
    """Inputs are rounded to unsigned bytes, with one scale and zero point a call; products are whole numbers.

    In ONNX it is what onnxruntime makes one kernel of (DynamicQuantizeMatMul).
    """

    @staticmethod
    def forward(_: Any, inputs: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        low, high = inputs.min().clamp(max=0), inputs.max().clamp(min=0)
        step = ((high - low) / 255).clamp(min=1e-30)
        zero = (-low / step).round()
        whole = ((inputs / step).round() + zero).clamp(0, 255) - zero
        return whole @ weight.float() * (step * scale)

    @staticmethod
    def symbolic(graph: Any, inputs: Any, weight: Any, scale: Any) -> Any:
        """The same in ONNX's own operators."""
        whole, step, zero = graph.op("DynamicQuantizeLinear", inputs, outputs=3)
        product = graph.op("Cast", graph.op("MatMulInteger", whole, weight, zero), to_i=1)
        result = graph.op("Mul", product, graph.op("Mul", step, scale))
        sizes = inputs.type().sizes()
        if sizes is not None:
            result.setType(inputs.type().with_sizes([*sizes[:-1], scale.type().sizes()[0]]))
        return result


class _ByRows(torch.nn.Module):
    """The same table in 8-bit integers."""

    table: torch.Tensor
    scale: torch.Tensor

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp(min=_LEAST) / 127
        self.register_buffer("table", torch.round(weight / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table[ids].float() * self.scale[ids]
