"""From a vendor's refusal to a typed error, by table: the status decides, a code refines a 4xx, prose never counts.

Vendors' messages may repeat the prompt, so only their short codes are passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from serve.errors import (
    Billed,
    ContentPolicyError,
    EmptyReplyError,
    ModelGoneError,
    ProviderError,
    ProviderInvalidRequestError,
    RateLimitedError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamQuotaError,
    UpstreamTimeoutError,
)
from serve.providers.bodies import text_at
from serve.providers.delays import stated_delay

ErrorClass = type[ProviderError]

STATUSES: Mapping[int, ErrorClass] = {
    401: UpstreamAuthError,
    402: UpstreamQuotaError,
    403: UpstreamAuthError,
    404: ModelGoneError,
    410: ModelGoneError,
    429: RateLimitedError,
    # No fault of the caller's: the request did not arrive in time, the vendor cannot take it now, or fears a replay.
    408: UpstreamError,
    409: UpstreamError,
    425: UpstreamError,
    # A gateway gave up on the vendor behind it, which had the request, and may have drawn and charged: no answer in
    # time (504; 524 is Cloudflare's), or none that can be understood (520, Cloudflare's too).
    504: UpstreamTimeoutError,
    520: UpstreamTimeoutError,
    524: UpstreamTimeoutError,
}

REASONS: Mapping[str, ErrorClass] = {
    "moderation_blocked": ContentPolicyError,
    "content_policy_violation": ContentPolicyError,
    "model_not_found": ModelGoneError,
    "insufficient_quota": UpstreamQuotaError,
    "credit_balance_exhausted": UpstreamQuotaError,
    "billing_hard_limit_reached": UpstreamQuotaError,
    "rate_limit_exceeded": RateLimitedError,  # as a code it outranks a type that still says insufficient_quota
    "API_KEY_INVALID": UpstreamAuthError,
    "FAILED_PRECONDITION": UpstreamAuthError,  # Google: our account's region or billing, never the caller's request
}

ADVICE: Mapping[ErrorClass, str] = {
    ContentPolicyError: "the prompt or its picture is refused by the content filter; change the wording",
    ProviderInvalidRequestError: "a parameter of this request is refused; change it or leave it out",
    ModelGoneError: "this model is no longer offered; name another one",
    UpstreamAuthError: "the service's own account or key is refused; its operator has to check it",
    UpstreamQuotaError: "the service's own account has no credit left; its operator has to top it up",
    RateLimitedError: "too many requests at the moment; wait and try again",
    UpstreamTimeoutError: "the request was sent and its answer was lost; it may have been drawn and billed",
    UpstreamError: "the vendor failed; try again in a moment",
    EmptyReplyError: "no picture came back; try again in a moment",
}

_CODE = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says in codes: reasons from the most telling on, the parameter at fault, a wait in seconds."""

    reasons: tuple[str, ...] = ()
    param: str | None = None
    retry_after: float | None = None


def code_at(parent: dict[str, Any], key: str) -> str | None:
    """The code word under `key`, None for anything longer or freer, since free text may hold the prompt."""
    text = text_at(parent, key)
    return text if text and _CODE.fullmatch(text) else None


def codes(*found: str | None) -> tuple[str, ...]:
    """Those reason codes that are there, in their order."""
    return tuple(code for code in found if code)


def refusal(
    response: httpx.Response, provider: str, complaint: Complaint, own: Mapping[int, ErrorClass] | None = None
) -> ProviderError:
    """The error for an unsuccessful answer; `own` holds the statuses that mean something else at this vendor."""
    kind = _kind(response.status_code, complaint.reasons, STATUSES if own is None else {**STATUSES, **own})
    stated = stated_delay(response.headers)
    return kind(
        _message(provider, kind, str(response.status_code), *complaint.reasons[:1]),
        provider=provider,
        retry_after=complaint.retry_after if stated is None else stated,
        billed="unknown" if kind is UpstreamTimeoutError else "no",
        upstream_status=response.status_code,
        param=complaint.param,
    )


def content_block(
    response: httpx.Response, provider: str, reason: str | None = None, billed: Billed = "no"
) -> ContentPolicyError:
    """The error for a success without a picture that means the content filter."""
    message = _message(provider, ContentPolicyError, *codes(reason))
    return ContentPolicyError(message, provider=provider, billed=billed, upstream_status=response.status_code)


def empty_reply(response: httpx.Response, provider: str, reason: str | None = None) -> EmptyReplyError:
    """The error for a success without a picture that means nothing; the vendor may charge for the try."""
    message = _message(provider, EmptyReplyError, *codes(reason))
    return EmptyReplyError(message, provider=provider, billed="unknown", upstream_status=response.status_code)


def _kind(status: int, reasons: tuple[str, ...], statuses: Mapping[int, ErrorClass]) -> ErrorClass:
    if not 400 <= status < 500:
        return statuses.get(status, UpstreamError)
    named = [REASONS[reason] for reason in reasons if reason in REASONS]
    return named[0] if named else statuses.get(status, ProviderInvalidRequestError)


def _message(provider: str, kind: ErrorClass, *codes_said: str) -> str:
    said = f" ({', '.join(codes_said)})" if codes_said else ""
    return f"{provider}: {ADVICE[kind]}{said}"
