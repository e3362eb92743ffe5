"""Ideogram's answer and its errors, the same for both of its APIs: `{"data": [{"url", "is_image_safe", ...}]}`."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from serve.errors import ContentPolicyError, ProviderError
from serve.image_request import DrawnImage
from serve.providers.bodies import json_object, object_or_empty, objects_in, text_at, whole_number_at
from serve.providers.statuses import Complaint, ErrorClass, code_at, codes, content_block, empty_reply, refusal

PROVIDER = "ideogram"

# Elsewhere 422 is a malformed request; Ideogram keeps 400 for that and 422 for its prompt filter.
OWN_STATUSES: Mapping[int, ErrorClass] = {422: ContentPolicyError}


def read(response: httpx.Response) -> list[DrawnImage]:
    """The links of the pictures that passed the filter, maybe fewer than asked for, each with final prompt and seed.

    Raises:
        ContentPolicyError: every picture was held back as unsafe; those are drawn, and billed.
        EmptyReplyError: a success without pictures.
        ProviderError: any other refusal, by its status and codes.
    """
    if not response.is_success:
        raise _refusal(response)
    entries = objects_in(json_object(response, PROVIDER), "data", response, PROVIDER)
    safe = [entry for entry in entries if entry.get("is_image_safe") is not False]
    images = [
        DrawnImage(url=url, revised_prompt=text_at(entry, "prompt"), seed=whole_number_at(entry, "seed"))
        for entry in safe
        if (url := text_at(entry, "url"))
    ]
    if not images and len(safe) < len(entries):
        raise content_block(response, PROVIDER, billed="yes")
    if not images:
        raise empty_reply(response, PROVIDER)
    return images


def _refusal(response: httpx.Response) -> ProviderError:
    reason = code_at(object_or_empty(response), "reject_reason")
    return refusal(response, PROVIDER, Complaint(codes(reason)), OWN_STATUSES)
