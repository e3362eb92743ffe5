"""What a request is expected to cost, from the catalogue's prices."""

from __future__ import annotations

from serve.catalog import Model
from serve.image_request import WireRequest


def estimate_usd(model: Model, wire: WireRequest) -> float:
    """US dollars for the whole request, `n` pictures of it; the most specific price of the row counts."""
    return _image_usd(model, wire) * wire.n


def _image_usd(model: Model, wire: WireRequest) -> float:
    keys = [wire.shape, "default"]
    if wire.quality is not None:
        keys = [f"{wire.quality}/{wire.shape}", wire.quality, *keys]
    return next(model.price[key] for key in keys if key in model.price)
