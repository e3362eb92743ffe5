"""Ideogram's v2 API: `POST /v2/image/generate/{model}`, lower-case values; pictures come as links that expire.

A row's `extra` goes into the body's top level, and its `wire_names` say where a model's fields are called otherwise:
`resolution` or `size` for the shape, `quality` for the rendering speed. There is no field for an output format or a
user: they are not sent.
"""

from __future__ import annotations

import httpx

from serve.image_request import ReadyModel, WireRequest
from serve.providers.bodies import json_request, wishes
from serve.providers.ideogram_replies import read

__all__ = ["build", "read"]


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """One call for all `num_images` pictures; the model is named in the path."""
    optional = wishes(
        request,
        model.row,
        shape="aspect_ratio",
        quality="rendering_speed",
        seed="seed",
        negative_prompt="negative_prompt",
    )
    # Magic prompt rewrites the text before drawing, and with it the letters the caller wants in the picture.
    body = {"prompt": request.prompt, "magic_prompt": "off", "num_images": request.n, **optional}
    url = f"{model.base_url.rstrip('/')}/v2/image/generate/{model.row.vendor_model}"
    return json_request(url, {"api-key": model.api_key}, body | model.row.extra)
