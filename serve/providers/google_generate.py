"""Gemini image models: `POST /v1beta/models/{model}:generateContent`, pictures inline among text and thoughts.

One picture a call. A row's `extra` goes into `generationConfig`. There is no field for a negative prompt, an output
format or a user: they are not sent.
"""

from __future__ import annotations

from typing import Any

import httpx

from serve.errors import ProviderError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.providers.bodies import (
    count_at,
    given,
    json_request,
    object_at,
    object_or_empty,
    objects_at,
    objects_in,
    picture_bytes,
    text_at,
)
from serve.providers.google_errors import PROVIDER, google_object
from serve.providers.statuses import code_at, codes, content_block, empty_reply

# Not NO_IMAGE or IMAGE_OTHER: those say that nothing came of it, not that the prompt is refused.
BLOCKED_FINISHES = frozenset(
    {
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)


def build(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """One call for one picture: nobody asks this dialect for more in a call."""
    image = given(aspectRatio=request.shape, imageSize=request.quality)
    config = given(responseModalities=["IMAGE"], candidateCount=1, seed=request.seed, imageConfig=image)
    contents = [{"role": "user", "parts": [{"text": request.prompt}]}]
    body = {"contents": contents, "generationConfig": config | model.row.extra}
    url = f"{model.base_url.rstrip('/')}/v1beta/models/{model.row.vendor_model}:generateContent"
    return json_request(url, {"x-goog-api-key": model.api_key}, body)


def read(response: httpx.Response) -> list[DrawnImage]:
    """All pictures that are no thought's.

    Raises:
        ContentPolicyError: none, and Google names a block of the prompt or the picture (which it does not charge).
        EmptyReplyError: none, and no block is named: only text, NO_IMAGE, IMAGE_OTHER.
        ProviderError: any other refusal, by its status and codes.
    """
    body = google_object(response)
    candidates = objects_in(body, "candidates", response, PROVIDER, optional=True)
    images = [image for candidate in candidates for image in _pictures(candidate, response)]
    if not images:
        raise _nothing(body, candidates, response)
    return images


def usage(response: httpx.Response) -> Usage | None:
    """The tokens that a success counts; thoughts are billed as text that came out.

    Where Google does not tell modalities apart, text went in and pictures came out.
    """
    said = object_at(object_or_empty(response), "usageMetadata") if response.is_success else {}
    into, out = _by_modality(said, "promptTokensDetails"), _by_modality(said, "candidatesTokensDetails")
    asked, drawn = count_at(said, "promptTokenCount"), count_at(said, "candidatesTokenCount")
    thoughts = count_at(said, "thoughtsTokenCount")
    image = out.get("IMAGE") if out else drawn
    # The details may leave the text out, never the total.
    text = None if drawn is None or image is None else max(0, drawn - image)
    found = Usage(
        text_input_tokens=into.get("TEXT") if into else asked,
        image_input_tokens=into.get("IMAGE"),
        image_output_tokens=image,
        text_output_tokens=thoughts if text is None else text + (thoughts or 0),
    )
    return None if found == Usage() else found


def _by_modality(said: dict[str, Any], key: str) -> dict[str, int]:
    details = ((text_at(detail, "modality"), count_at(detail, "tokenCount")) for detail in objects_at(said, key))
    return {modality: count for modality, count in details if modality is not None and count is not None}


def _pictures(candidate: dict[str, Any], response: httpx.Response) -> list[DrawnImage]:
    parts = objects_at(object_at(candidate, "content"), "parts")
    # A thought's picture is a draft on the way to the one that was asked for.
    inline = [object_at(part, "inlineData") for part in parts if part.get("thought") is not True]
    encoded = [text for blob in inline if (text := text_at(blob, "data")) and _is_image(blob)]
    return [DrawnImage(data=picture_bytes(text, response, PROVIDER)) for text in encoded]


def _is_image(blob: dict[str, Any]) -> bool:
    return (text_at(blob, "mimeType") or "image/").startswith("image/")


def _nothing(body: dict[str, Any], candidates: list[dict[str, Any]], response: httpx.Response) -> ProviderError:
    finishes = codes(*(code_at(candidate, "finishReason") for candidate in candidates))
    blocked = (finish for finish in finishes if finish in BLOCKED_FINISHES)
    block = code_at(object_at(body, "promptFeedback"), "blockReason") or next(blocked, None)
    if block:
        return content_block(response, PROVIDER, block)
    return empty_reply(response, PROVIDER, *finishes[:1])
