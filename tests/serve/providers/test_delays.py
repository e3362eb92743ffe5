from __future__ import annotations

import time
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import httpx
import pytest

from serve.errors import ProviderError, RateLimitedError
from serve.providers import DIALECTS
from serve.providers.delays import stated_delay

DATE = "Sun, 22 Nov 2026 10:00:00 GMT"
LATER = "Sun, 22 Nov 2026 10:01:30 GMT"
WEEK = 7 * 24 * 3600.0

HEADERS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "12"}, 12.0),
    ({"retry-after": " 1.5 "}, 1.5),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after-ms": "250"}, 0.25),
    ({"retry-after-ms": "250", "retry-after": "12"}, 0.25),
    ({"retry-after-ms": "soon", "retry-after": "12"}, 12.0),
    ({"retry-after": LATER, "date": DATE}, 90.0),
    ({"retry-after": DATE, "date": LATER}, 0.0),
    ({"retry-after": "Sun, 22 Nov 2026 10:01:30 -0000", "date": DATE}, 90.0),
    ({"retry-after": "soon", "date": DATE}, None),
    ({"retry-after": "Sun, 22 Nov 99999999999999999999 10:00:00 GMT", "date": DATE}, None),
    ({"retry-after": "Sun, 22 Nov 2026 10:00:00 +999999999999", "date": DATE}, None),
    *(({"retry-after": text}, None) for text in ("", "-1", "nan", "inf", "1e9", "1_0", "99999999999999")),
]


def limited(dialect: str, body: dict[str, Any], headers: dict[str, str]) -> ProviderError:
    """The error of a 429."""
    with pytest.raises(RateLimitedError) as caught:
        DIALECTS[dialect].read(httpx.Response(429, json=body, headers=headers))
    return caught.value


@pytest.mark.parametrize(("headers", "seconds"), HEADERS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_wait_is_read_from_headers(dialect: str, headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds, seconds or a date relative to the answer's own; what cannot be read is no wait at all."""
    assert limited(dialect, {}, headers).retry_after == seconds


@pytest.mark.parametrize(
    ("delay", "headers", "seconds"),
    [
        ("34s", {}, 34.0),
        ("1.500s", {}, 1.5),
        ("34s", {"retry-after": "2"}, 2.0),
        ("34s", {"retry-after": "soon"}, 34.0),
        ("34", {}, None),
        ("s", {}, None),
        ("-3s", {}, None),
        (34, {}, None),
    ],
)
@pytest.mark.parametrize("dialect", ["google_predict", "google_generate"])
def test_google_says_the_wait_in_its_body(
    dialect: str, delay: object, headers: dict[str, str], seconds: float | None
) -> None:
    """`details[].retryDelay` counts where no header says it."""
    body = {"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"@type": "QuotaFailure"}, {"retryDelay": delay}]}}
    assert limited(dialect, body, headers).retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": LATER}, 90.0),
        ({"retry-after": LATER, "date": "yesterday"}, 90.0),
        ({"retry-after": LATER, "date": LATER}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 09:59:59 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_an_undated_answer_came_just_now(headers: dict[str, str], seconds: float | None) -> None:
    """Where the answer does not say when it was written, a date counts from our own clock."""
    assert stated_delay(httpx.Headers(headers), now=lambda: parsedate_to_datetime(DATE).timestamp()) == seconds


@pytest.mark.parametrize("dialect", DIALECTS)
def test_our_own_clock_is_the_real_one(dialect: str) -> None:
    """A day a week from now is a week away, give or take the time that the test takes."""
    in_a_week = formatdate(time.time() + WEEK, usegmt=True)
    assert limited(dialect, {}, {"retry-after": in_a_week}).retry_after == pytest.approx(WEEK, abs=60)


@pytest.mark.parametrize(("said", "told"), [("12", "12"), ("1.4", "2"), ("0.4", "1"), ("0", "0")])
def test_wait_reaches_our_own_answer(said: str, told: str) -> None:
    """The vendor's wait becomes our caller's Retry-After, rounded up: nobody is sent back too early."""
    assert limited("openai_images", {}, {"retry-after": said}).headers == {"retry-after": told}


def test_an_overloaded_vendor_may_ask_to_wait_too() -> None:
    """A 503 with Retry-After carries it."""
    with pytest.raises(ProviderError) as caught:
        DIALECTS["ideogram_v2"].read(httpx.Response(503, headers={"retry-after": "3"}))
    assert caught.value.retry_after == 3.0
