"""dall-e-3 as it was until 2026-05-12: three sizes, two qualities, one picture a call, a link or base64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Order
from serve.sandbox.fields import one_of, whole, words
from serve.sandbox.openai.errors import check_fields, invalid

MODELS = ("dall-e-3",)

_SIZES = ("1024x1024", "1792x1024", "1024x1792")
_FIELDS = {
    "model": one_of(*MODELS),
    "prompt": words(4000),
    "n": whole(1, 10),
    "size": one_of(*_SIZES),
    "quality": one_of("standard", "hd"),
    "style": one_of("vivid", "natural"),
    "response_format": one_of("url", "b64_json"),
    "user": words(4096),
}
# US dollars a picture, square and oblong.
_PRICES = {"standard": (0.04, 0.08), "hd": (0.08, 0.12)}


def take_order(body: Mapping[str, Any]) -> Order:
    """The order in `body`; `terms` say whether a link is wanted.

    Raises:
        RefusedError: dall-e-3 does not take this request.
    """
    check_fields(body, _FIELDS)
    if (body.get("n") or 1) != 1:
        raise invalid("n", "You must provide n=1 for this model.")
    size = body.get("size") or _SIZES[0]
    width, height = map(int, size.split("x"))
    sketch = Sketch(body["model"], body["prompt"], width, height, legible=False)
    usd = _PRICES[body.get("quality") or "standard"][width != height]
    return Order(body["model"], body["prompt"], (sketch,), usd, {"link": body.get("response_format") != "b64_json"})
