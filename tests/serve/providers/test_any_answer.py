from __future__ import annotations

import json
import math
from dataclasses import astuple
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from serve.errors import ProviderError
from serve.image_request import DrawnImage
from serve.providers import DIALECTS

# A busy machine must not fail a test, and nothing is written to the working tree.
UNTIMED = settings(database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = st.sampled_from(["data", "predictions", "candidates", "error", "details", "url", "b64_json", "code", "parts"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800")
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(), inner, max_size=5)
)
STATUSES = st.integers(100, 599)
REFUSALS = st.integers(400, 599)
DATES = st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
WAITS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "date"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)) | st.integers().map(str) | DATES,
)


def loosely(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def among(item: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Lists of these items with a stranger between them now and then."""
    return st.lists(item | JSON, max_size=3)


def words(*known: str) -> st.SearchStrategy[str]:
    """Words the vendors say, or any other text."""
    return st.sampled_from(known) | st.text()


PICTURES = st.sampled_from(["eA==", "eHl6", "iVBORw0KGgo=", "eA", "", "*", None])
LINKS = st.sampled_from(["https://ideogram.ai/a.png", "https://ideogram.ai/b.png", "", "\ud800", None])
STATES = words("Ready", "Pending", "Request Moderated", "Content Moderated", "Error", "Task not found")
BLOBS = loosely(data=PICTURES, mimeType=words("image/png"))
PARTS = loosely(inlineData=BLOBS | JSON, thought=st.booleans() | JSON, text=st.text())
CANDIDATES = loosely(content=loosely(parts=among(PARTS)), finishReason=words("STOP", "SAFETY", "NO_IMAGE"))
LINKED = loosely(url=LINKS, is_image_safe=st.booleans() | JSON, prompt=st.text() | JSON, seed=st.integers() | JSON)
DETAILS = loosely(reason=words("API_KEY_INVALID"), retryDelay=words("34s"), fieldViolations=among(JSON))
ERRORS = loosely(
    code=words("model_not_found"), type=st.text(), param=st.text(), status=st.text(), details=among(DETAILS)
)

GEMINI = loosely(candidates=among(CANDIDATES), promptFeedback=loosely(blockReason=words("SAFETY")) | JSON)
SUCCESSES: dict[str, st.SearchStrategy[Any]] = {
    "openai_images": loosely(data=among(loosely(b64_json=PICTURES, url=LINKS, revised_prompt=st.text() | JSON))),
    "google_predict": loosely(predictions=among(loosely(bytesBase64Encoded=PICTURES, raiFilteredReason=st.text()))),
    "google_generate": GEMINI,
    "ideogram_legacy": loosely(data=among(LINKED)),
    "ideogram_v2": loosely(data=among(LINKED), generation_id=st.text()),
    "bfl_flux": loosely(status=STATES, result=loosely(sample=LINKS) | JSON, polling_url=LINKS, cost=st.floats() | JSON),
}
COUNTS = st.integers() | st.floats() | JSON
DETAILED = loosely(text_tokens=COUNTS, image_tokens=COUNTS) | JSON
MODALITIES = among(loosely(modality=words("IMAGE", "TEXT"), tokenCount=COUNTS))
USED: dict[str, st.SearchStrategy[Any]] = {
    "openai_images": loosely(
        usage=loosely(
            input_tokens=COUNTS, output_tokens=COUNTS, input_tokens_details=DETAILED, output_tokens_details=DETAILED
        )
    ),
    "google_generate": loosely(
        usageMetadata=loosely(
            promptTokenCount=COUNTS,
            candidatesTokenCount=COUNTS,
            thoughtsTokenCount=COUNTS,
            promptTokensDetails=MODALITIES,
            candidatesTokensDetails=MODALITIES,
        )
    ),
    "bfl_flux": loosely(cost=COUNTS),
}


def outcome(dialect: str, answer: httpx.Response) -> list[DrawnImage] | ProviderError:
    """What `read` gives, any exception but a ProviderError passing through."""
    try:
        return DIALECTS[dialect].read(answer)
    except ProviderError as error:
        return error


def check(dialect: str, answer: httpx.Response) -> None:
    """Sound pictures of a success, or an error that the attempt loop can act on."""
    found = outcome(dialect, answer)
    event(type(found).__name__)
    if isinstance(found, ProviderError):
        assert str(found).startswith(f"{dialect.partition('_')[0]}: ")
        assert found.upstream_status == answer.status_code
        assert found.retry_after is None or found.retry_after >= 0
    else:
        assert answer.is_success
        assert found
        assert all(map(is_sound, found))


def is_sound(image: DrawnImage) -> bool:
    """A picture somebody can use: bytes or a link, and text that our own answer can be encoded with."""
    encoded = f"{image.url}{image.revised_prompt}".encode()
    return bool(encoded) and bool(image.data) != bool(image.url)


@settings(UNTIMED, max_examples=80)
@given(
    status=STATUSES,
    content=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200),
    headers=WAITS,
)
@example(status=429, content=b"{}", headers={"retry-after": "Mon", "date": "Mon"})
@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_bytes_are_pictures_or_a_typed_error(
    dialect: str, status: int, content: bytes, headers: dict[str, str]
) -> None:
    """Whatever a vendor answers, `read` gives pictures or raises a ProviderError, nothing else."""
    check(dialect, httpx.Response(status, content=content, headers=headers))


@settings(UNTIMED, max_examples=80)
@given(status=REFUSALS, error=ERRORS | JSON, headers=WAITS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_error_body_is_a_typed_error(dialect: str, status: int, error: object, headers: dict[str, str]) -> None:
    """However crooked a vendor's error envelope is, a ProviderError comes of it."""
    content = json.dumps({"error": error, "reject_reason": error}).encode()
    check(dialect, httpx.Response(status, content=content, headers=headers))


@settings(UNTIMED, max_examples=150)
@given(data=st.data())
@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_success_is_sound_pictures_or_a_typed_error(dialect: str, data: st.DataObject) -> None:
    """A success that is a little wrong somewhere still gives only pictures that can be used."""
    body = data.draw(SUCCESSES[dialect])
    check(dialect, httpx.Response(200, content=json.dumps(body).encode()))


@settings(UNTIMED, max_examples=100)
@given(data=st.data(), status=st.sampled_from([200, 200, 200, 500]))
@pytest.mark.parametrize("dialect", USED)
def test_any_usage_is_counts_that_can_be_billed(dialect: str, data: st.DataObject, status: int) -> None:
    """Whatever a vendor says of its tokens, `usage` gives figures of 0 or more, or None; it raises nothing."""
    body = data.draw(USED[dialect] | JSON)
    reader = DIALECTS[dialect].usage
    assert reader is not None
    used = reader(httpx.Response(status, content=json.dumps(body).encode()))
    event(str(used is None))
    figures = [] if used is None else [value for value in astuple(used) if value is not None]
    assert used is None or figures
    assert status == 200 or used is None
    assert all(math.isfinite(value) and value >= 0 for value in figures)
