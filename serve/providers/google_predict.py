"""Imagen on the Gemini API: `POST /v1beta/models/{model}:predict`, pictures inline as base64.

A row's `extra` goes into `parameters`. The surface takes no seed, negative prompt or user: they are not sent.
"""

from __future__ import annotations

import httpx

from serve.image_request import DrawnImage, ReadyModel, WireRequest
from serve.providers.bodies import given, json_request, objects_in, picture_bytes, text_at
from serve.providers.google_errors import PROVIDER, google_object
from serve.providers.statuses import content_block


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """One call for all `n` pictures. `sampleCount` is always sent: the vendor's default is four, each of them paid."""
    output = {"mimeType": f"image/{request.output_format}"} if request.output_format else None
    parameters = given(
        sampleCount=request.n,
        aspectRatio=request.shape,
        sampleImageSize=request.quality,
        outputOptions=output,
        includeRaiReason=True,
    )
    body = {"instances": [{"prompt": request.prompt}], "parameters": parameters | model.row.extra}
    url = f"{model.base_url.rstrip('/')}/v1beta/models/{model.row.vendor_model}:predict"
    return json_request(url, {"x-goog-api-key": model.api_key}, body)


def read(response: httpx.Response) -> list[DrawnImage]:
    """The pictures that passed the filter, maybe fewer than asked for.

    Raises:
        ContentPolicyError: a success without pictures; Google answers so when its filter took them all.
        ProviderError: any other refusal, by its status and codes.
    """
    predictions = objects_in(google_object(response), "predictions", response, PROVIDER, optional=True)
    encoded = [text for prediction in predictions if (text := text_at(prediction, "bytesBase64Encoded"))]
    if not encoded:
        raise content_block(response, PROVIDER)
    return [DrawnImage(data=picture_bytes(text, response, PROVIDER)) for text in encoded]
