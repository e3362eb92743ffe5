"""Google's error envelope, shared by its two dialects: `{"error": {"code", "message", "status", "details": [...]}}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import httpx

from serve.errors import ProviderError
from serve.providers.bodies import json_object, object_at, object_or_empty, objects_at, text_at
from serve.providers.delays import duration
from serve.providers.statuses import Complaint, code_at, codes, refusal

PROVIDER = "google"

_Found = TypeVar("_Found")


def google_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a successful answer.

    Raises:
        ProviderError: the typed refusal, or UpstreamError for a body that cannot be read.
    """
    if not response.is_success:
        raise google_refusal(response)
    return json_object(response, PROVIDER)


def google_refusal(response: httpx.Response) -> ProviderError:
    """The typed error of an unsuccessful answer; a wrong key is a 400 here, told apart by `details[].reason`."""
    error = object_at(object_or_empty(response), "error")
    details = objects_at(error, "details")
    complaint = Complaint(
        reasons=codes(*(code_at(detail, "reason") for detail in details), code_at(error, "status")),
        param=_first(code_at(violation, "field") for d in details for violation in objects_at(d, "fieldViolations")),
        retry_after=_first(duration(text_at(detail, "retryDelay")) for detail in details),
    )
    return refusal(response, PROVIDER, complaint)


def _first(found: Iterable[_Found | None]) -> _Found | None:
    return next((item for item in found if item is not None), None)
