"""OpenAI Images: `POST /images/generations`, for GPT Image, for dall-e-3's contract and for servers that speak it.

A row's `extra` goes into the body's top level. `response_format` is sent only where a row says so: GPT Image always
answers base64 and refuses the field. There is no field for a seed or a negative prompt: they are not sent.
"""

from __future__ import annotations

from typing import Any

import httpx

from serve.errors import ProviderError
from serve.image_request import DrawnImage, ReadyModel, WireRequest
from serve.providers.bodies import (
    error_object,
    given,
    json_object,
    json_request,
    object_at,
    objects_in,
    picture_bytes,
    text_at,
)
from serve.providers.statuses import Complaint, code_at, codes, empty_reply, refusal

PROVIDER = "openai"


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """One call for all `n` pictures. The base URL already ends in the API's version."""
    body = given(
        model=model.row.vendor_model,
        prompt=request.prompt,
        n=request.n,
        size=request.shape,
        quality=request.quality,
        output_format=request.output_format,
        user=request.user,
    )
    url = f"{model.base_url.rstrip('/')}/images/generations"
    return json_request(url, {"authorization": f"Bearer {model.api_key}"}, body | model.row.extra)


def read(response: httpx.Response) -> list[DrawnImage]:
    """The pictures: bytes where they came inline, else where to fetch them.

    Raises:
        EmptyReplyError: a success with an empty list.
        ProviderError: a refusal, by its status and codes.
    """
    if not response.is_success:
        raise _refusal(response)
    entries = objects_in(json_object(response, PROVIDER), "data", response, PROVIDER)
    images = [image for entry in entries if (image := _image(entry, response))]
    if not images:
        raise empty_reply(response, PROVIDER)
    return images


def _image(entry: dict[str, Any], response: httpx.Response) -> DrawnImage | None:
    encoded, url, revised = text_at(entry, "b64_json"), text_at(entry, "url"), text_at(entry, "revised_prompt")
    if encoded:
        return DrawnImage(data=picture_bytes(encoded, response, PROVIDER), revised_prompt=revised)
    return DrawnImage(url=url, revised_prompt=revised) if url else None


def _refusal(response: httpx.Response) -> ProviderError:
    error = object_at(error_object(response), "error")
    # `code` before `type`: an empty account's type may lag behind its code.
    complaint = Complaint(codes(code_at(error, "code"), code_at(error, "type")), param=code_at(error, "param"))
    return refusal(response, PROVIDER, complaint)
