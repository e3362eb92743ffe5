"""OpenAI Images: `POST /images/generations`, for GPT Image, for dall-e-3's contract and for servers that speak it.

A row's `extra` goes into the body's top level, and its `wire_names` say where a server's fields are called otherwise.
`response_format` is sent only where a row says so: GPT Image always answers base64 and refuses the field. OpenAI itself
takes neither a seed nor a negative prompt; servers whose rows say that they do get them.
"""

from __future__ import annotations

from typing import Any

import httpx

from serve.errors import ProviderError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.providers.bodies import (
    count_at,
    json_object,
    json_request,
    object_at,
    object_or_empty,
    objects_in,
    picture_bytes,
    text_at,
    wishes,
)
from serve.providers.statuses import Complaint, code_at, codes, empty_reply, refusal

PROVIDER = "openai"


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """One call for all `n` pictures. The base URL already ends in the API's version."""
    optional = wishes(
        request,
        model.row,
        shape="size",
        quality="quality",
        output_format="output_format",
        user="user",
        background="background",
        seed="seed",
        negative_prompt="negative_prompt",
    )
    body = {"model": model.row.vendor_model, "prompt": request.prompt, "n": request.n, **optional}
    return json_request(_url(model, "images/generations"), _key(model), body | model.row.extra)


def list_models(model: ReadyModel) -> httpx.Request:
    """OpenAI's `GET /v1/models` at the model's server."""
    return httpx.Request("GET", _url(model, "models"), headers=_key(model))


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


def usage(response: httpx.Response) -> Usage | None:
    """The tokens that a success counts. Where it does not tell kinds apart, text went in and pictures came out."""
    said = object_at(object_or_empty(response), "usage") if response.is_success else {}
    into, out = object_at(said, "input_tokens_details"), object_at(said, "output_tokens_details")
    found = Usage(
        text_input_tokens=count_at(into, "text_tokens") if into else count_at(said, "input_tokens"),
        image_input_tokens=count_at(into, "image_tokens"),
        image_output_tokens=count_at(out, "image_tokens") if out else count_at(said, "output_tokens"),
        text_output_tokens=count_at(out, "text_tokens"),
    )
    return None if found == Usage() else found


def _url(model: ReadyModel, path: str) -> str:
    return f"{model.base_url.rstrip('/')}/{path}"


def _key(model: ReadyModel) -> dict[str, str]:
    return {"authorization": f"Bearer {model.api_key}"}


def _image(entry: dict[str, Any], response: httpx.Response) -> DrawnImage | None:
    encoded, url, revised = text_at(entry, "b64_json"), text_at(entry, "url"), text_at(entry, "revised_prompt")
    if encoded:
        return DrawnImage(data=picture_bytes(encoded, response, PROVIDER), revised_prompt=revised)
    return DrawnImage(url=url, revised_prompt=revised) if url else None


def _refusal(response: httpx.Response) -> ProviderError:
    error = object_at(object_or_empty(response), "error")
    # `code` before `type`: an empty account's type may lag behind its code.
    complaint = Complaint(codes(code_at(error, "code"), code_at(error, "type")), param=code_at(error, "param"))
    return refusal(response, PROVIDER, complaint)
