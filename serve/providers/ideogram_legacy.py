"""Ideogram's first API: `POST /generate`, everything inside `image_request`; pictures come as links that expire.

A row's `extra` goes into `image_request`. There is no field for a quality (a row's model id says it), an output format
or a user: they are not sent.
"""

from __future__ import annotations

import httpx

from serve.image_request import ReadyModel, WireRequest
from serve.providers.bodies import given, json_request
from serve.providers.ideogram_replies import read

__all__ = ["build", "read"]


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """One call for all `num_images` pictures."""
    fields = given(
        prompt=request.prompt,
        model=model.row.vendor_model,
        aspect_ratio=request.shape,
        # Magic prompt rewrites the text before drawing, and with it the letters the caller wants in the picture.
        magic_prompt_option="OFF",
        num_images=request.n,
        seed=request.seed,
        negative_prompt=request.negative_prompt,
    )
    url = f"{model.base_url.rstrip('/')}/generate"
    return json_request(url, {"api-key": model.api_key}, {"image_request": fields | model.row.extra})
