from __future__ import annotations

from typing import Any

import httpx
import pytest

from serve.errors import (
    ContentPolicyError,
    ModelGoneError,
    ProviderError,
    ProviderInvalidRequestError,
    RateLimitedError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamQuotaError,
    UpstreamTimeoutError,
)
from serve.providers import DIALECTS

ECHO = "a private prompt that the vendor repeats"
GOOGLE = ("google_predict", "google_generate")
IDEOGRAM = ("ideogram_legacy", "ideogram_v2")


def openai(type_: str | None, code: object = None, param: str | None = None) -> dict[str, Any]:
    """OpenAI's envelope."""
    return {"error": {"message": ECHO, "type": type_, "param": param, "code": code}}


def google(status: str, *details: dict[str, Any]) -> dict[str, Any]:
    """Google's envelope."""
    return {"error": {"code": 1, "message": ECHO, "status": status, "details": list(details)}}


def ideogram(reason: str | None = None) -> dict[str, Any]:
    """Ideogram's envelope."""
    return {"error": ECHO, **({"reject_reason": reason, "max_inflight_requests": 10} if reason else {})}


Row = tuple[int, dict[str, Any], type[ProviderError]]

OPENAI_ROWS: list[Row] = [
    (400, openai("image_generation_user_error", "moderation_blocked"), ContentPolicyError),
    (400, openai("invalid_request_error", "content_policy_violation"), ContentPolicyError),
    (400, openai("invalid_request_error", "invalid_value", "size"), ProviderInvalidRequestError),
    (400, openai("invalid_request_error", None, "size"), ProviderInvalidRequestError),
    (400, openai("invalid_request_error", "model_not_found"), ModelGoneError),
    (400, openai("billing_limit_user_error", "billing_hard_limit_reached"), UpstreamQuotaError),
    (401, openai("invalid_request_error", "invalid_api_key"), UpstreamAuthError),
    (403, openai("invalid_request_error", "unsupported_country_region_territory"), UpstreamAuthError),
    (403, openai("invalid_request_error", "model_not_found"), ModelGoneError),
    (404, openai("invalid_request_error", "model_not_found"), ModelGoneError),
    (408, openai("server_error"), UpstreamError),
    (413, openai("invalid_request_error"), ProviderInvalidRequestError),
    (429, openai("rate_limit_error", "rate_limit_exceeded"), RateLimitedError),
    (429, openai("insufficient_quota", "insufficient_quota"), UpstreamQuotaError),
    (429, openai("insufficient_quota", None), UpstreamQuotaError),
    (429, openai("insufficient_quota", "credit_balance_exhausted"), UpstreamQuotaError),
    (429, openai("insufficient_quota", "rate_limit_exceeded"), RateLimitedError),
    (500, openai("server_error"), UpstreamError),
    (503, openai("server_error", "server_is_overloaded"), UpstreamError),
    (503, openai("server_error", "insufficient_quota"), UpstreamError),
]

GOOGLE_ROWS: list[Row] = [
    (400, google("INVALID_ARGUMENT"), ProviderInvalidRequestError),
    (400, google("INVALID_ARGUMENT", {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}), UpstreamAuthError),
    (400, google("FAILED_PRECONDITION"), UpstreamAuthError),
    (401, google("UNAUTHENTICATED"), UpstreamAuthError),
    (403, google("PERMISSION_DENIED"), UpstreamAuthError),
    (404, google("NOT_FOUND"), ModelGoneError),
    (429, google("RESOURCE_EXHAUSTED", {"violations": []}, {"retryDelay": "34s"}), RateLimitedError),
    (500, google("INTERNAL"), UpstreamError),
    (503, google("UNAVAILABLE"), UpstreamError),
    (504, google("DEADLINE_EXCEEDED"), UpstreamTimeoutError),
]

IDEOGRAM_ROWS: list[Row] = [
    (400, ideogram(), ProviderInvalidRequestError),
    (401, ideogram(), UpstreamAuthError),
    *(
        (402, ideogram(reason), UpstreamQuotaError)
        for reason in ["insufficient_funds", "subscription_required", "daily_limit", "priority_credit_required"]
    ),
    (402, ideogram("feature_limit"), UpstreamQuotaError),
    (403, ideogram(), UpstreamAuthError),
    (404, ideogram(), ModelGoneError),
    (413, ideogram(), ProviderInvalidRequestError),
    (422, ideogram(), ContentPolicyError),
    (429, ideogram("inflight_limit"), RateLimitedError),
    (500, ideogram(), UpstreamError),
    (503, ideogram(), UpstreamError),
]

BFL_ROWS: list[Row] = [
    (400, {"detail": ECHO}, ProviderInvalidRequestError),
    (402, {"detail": ECHO}, UpstreamQuotaError),
    (403, {"detail": "Not authenticated"}, UpstreamAuthError),
    (404, {"detail": "Not Found"}, ModelGoneError),
    (422, {"detail": [{"loc": ["body", "width"], "msg": ECHO, "type": "value_error"}]}, ProviderInvalidRequestError),
    (429, {"detail": ECHO}, RateLimitedError),
    (500, {"detail": ECHO}, UpstreamError),
    (503, {}, UpstreamError),
]

# What a proxy or a balancer in front of any vendor may answer: the status alone decides.
BARE_ROWS: list[Row] = [
    (302, {}, UpstreamError),
    (400, {"error": "no"}, ProviderInvalidRequestError),
    (401, {}, UpstreamAuthError),
    (402, {}, UpstreamQuotaError),
    (404, {"error": [1]}, ModelGoneError),
    (409, {}, UpstreamError),
    (410, {}, ModelGoneError),
    (418, {}, ProviderInvalidRequestError),
    (425, {}, UpstreamError),
    (429, {"error": None}, RateLimitedError),
    (502, {}, UpstreamError),
    (504, {}, UpstreamTimeoutError),
    (520, {}, UpstreamTimeoutError),
    (522, {}, UpstreamError),  # Cloudflare did not reach the vendor at all
    (524, {}, UpstreamTimeoutError),
]

TABLE = [
    *(("openai_images", *row) for row in OPENAI_ROWS),
    *((dialect, *row) for dialect in GOOGLE for row in GOOGLE_ROWS),
    *((dialect, *row) for dialect in IDEOGRAM for row in IDEOGRAM_ROWS),
    *(("bfl_flux", *row) for row in BFL_ROWS),
    *((dialect, *row) for dialect in DIALECTS for row in BARE_ROWS),
]


def refused(dialect: str, answer: httpx.Response) -> ProviderError:
    """The error that the dialect raises on this answer."""
    with pytest.raises(ProviderError) as caught:
        DIALECTS[dialect].read(answer)
    return caught.value


@pytest.mark.parametrize(("dialect", "status", "body", "error"), TABLE)
def test_refusals_are_told_apart(dialect: str, status: int, body: dict[str, Any], error: type[ProviderError]) -> None:
    """Each refusal of each vendor becomes the one error that the attempt loop acts on, and repeats no prose."""
    found = refused(dialect, httpx.Response(status, json=body))
    assert type(found) is error
    assert (found.upstream_status, found.provider) == (status, dialect.split("_", maxsplit=1)[0])
    assert str(found).startswith(f"{found.provider}: ")
    assert str(status) in str(found)
    assert ECHO not in str(found)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("content", [b"<html>Bad gateway</html>", b"", b"[1]", b"{", b"\xff", b"[" * 99_999])
def test_refusal_needs_no_readable_body(dialect: str, content: bytes) -> None:
    """The status speaks for itself where the body is no JSON object."""
    assert type(refused(dialect, httpx.Response(503, content=content))) is UpstreamError
    assert type(refused(dialect, httpx.Response(401, content=content))) is UpstreamAuthError


@pytest.mark.parametrize(
    ("dialect", "status", "body", "param"),
    [
        ("openai_images", 400, openai("invalid_request_error", None, "size"), "size"),
        ("openai_images", 400, openai("invalid_request_error", None, f"{ECHO} "), None),
        (
            "google_predict",
            400,
            google("INVALID_ARGUMENT", {"fieldViolations": [{"field": "parameters"}]}),
            "parameters",
        ),
        ("google_generate", 400, google("INVALID_ARGUMENT", {"fieldViolations": [{"description": ECHO}]}), None),
        ("ideogram_v2", 400, ideogram(), None),
        ("bfl_flux", 422, {"detail": [{"loc": ["body", "width"]}]}, "width"),
        ("bfl_flux", 422, {"detail": [{"loc": []}, {"loc": [ECHO, 3]}]}, None),
        ("bfl_flux", 422, {"detail": ECHO}, None),
    ],
)
def test_parameter_at_fault_is_passed_on(dialect: str, status: int, body: dict[str, Any], param: str | None) -> None:
    """The vendor's name of the refused field is kept, unless it is prose."""
    assert refused(dialect, httpx.Response(status, json=body)).param == param


@pytest.mark.parametrize(
    ("dialect", "status", "body", "reason"),
    [
        ("openai_images", 400, openai("image_generation_user_error", "moderation_blocked"), "moderation_blocked"),
        ("openai_images", 400, openai("invalid_request_error", 400), "invalid_request_error"),
        ("google_predict", 400, google("INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "API_KEY_INVALID"),
        ("google_generate", 403, google("PERMISSION_DENIED"), "PERMISSION_DENIED"),
        ("ideogram_legacy", 402, ideogram("daily_limit"), "daily_limit"),
    ],
)
def test_reason_code_is_shown(dialect: str, status: int, body: dict[str, Any], reason: str) -> None:
    """The vendor's short code stands in the message, for the operator who has to look it up."""
    assert str(refused(dialect, httpx.Response(status, json=body))).endswith(f"({status}, {reason})")


@pytest.mark.parametrize(
    ("status", "billed"),
    [*((status, "no") for status in (400, 409, 410, 422, 429, 500, 522)), *((s, "unknown") for s in (504, 520, 524))],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_refusals_cost_nothing_but_a_gateway_timeout_may(dialect: str, status: int, billed: str) -> None:
    """A refusal is free; when a gateway stopped waiting, the vendor behind it may still have drawn."""
    assert refused(dialect, httpx.Response(status, json={})).billed == billed
