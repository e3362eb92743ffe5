from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from serve.errors import ContentPolicyError, EmptyReplyError, ProviderError, UpstreamError
from serve.image_request import DrawnImage
from serve.providers import DIALECTS

PNG = b"\x89PNG\r\n\x1a\n one"
JPEG = b"\xff\xd8\xff two"
SAMPLE = "https://delivery-eu1.bfl.ai/results/ab/sample.jpeg?se=2026-11-22T10%3A00%3A00Z&sig=cd"
URL = "https://ideogram.ai/api/images/ephemeral/x.png?exp=1&sig=ab"


def b64(data: bytes) -> str:
    """Base64 as the vendors write it."""
    return base64.b64encode(data).decode()


def blob(data: bytes, mime: str = "image/png", **more: object) -> dict[str, Any]:
    """One part of a Gemini answer that holds a picture."""
    return {"inlineData": {"mimeType": mime, "data": b64(data)}, **more}


def candidate(*parts: dict[str, Any], finish: str = "STOP") -> dict[str, Any]:
    """One candidate of a Gemini answer."""
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}


def held_back(**more: object) -> dict[str, Any]:
    """An Ideogram picture that its filter kept."""
    return {"url": None, "prompt": "p", "is_image_safe": False, "seed": 1, **more}


def safe(seed: int) -> dict[str, Any]:
    """An Ideogram picture that passed."""
    return {"url": URL, "prompt": "final", "resolution": "1024x1024", "is_image_safe": True, "seed": seed}


DRAWN = DrawnImage(url=URL, revised_prompt="final", seed=9)

PICTURES: list[tuple[str, dict[str, Any], list[DrawnImage]]] = [
    ("openai_images", {"created": 1, "data": [{"b64_json": b64(PNG)}], "usage": {}}, [DrawnImage(data=PNG)]),
    (
        "openai_images",
        {"data": [{"b64_json": b64(PNG), "revised_prompt": "a cat"}, {"b64_json": b64(JPEG)}]},
        [DrawnImage(data=PNG, revised_prompt="a cat"), DrawnImage(data=JPEG)],
    ),
    ("openai_images", {"data": [{"url": URL, "revised_prompt": "r"}]}, [DrawnImage(url=URL, revised_prompt="r")]),
    ("openai_images", {"data": [{}, {"url": ""}, 3, {"b64_json": b64(PNG), "url": URL}]}, [DrawnImage(data=PNG)]),
    (
        "google_predict",
        {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": b64(PNG)}, {"bytesBase64Encoded": b64(JPEG)}]},
        [DrawnImage(data=PNG), DrawnImage(data=JPEG)],
    ),
    (
        "google_predict",
        {"predictions": [{"raiFilteredReason": "filtered"}, {"bytesBase64Encoded": b64(PNG)}]},
        [DrawnImage(data=PNG)],
    ),
    ("google_generate", {"candidates": [candidate({"text": "Here."}, blob(PNG))]}, [DrawnImage(data=PNG)]),
    (
        "google_generate",
        {"candidates": [candidate(blob(PNG, thought=True), blob(JPEG, "image/jpeg", thoughtSignature="s"))]},
        [DrawnImage(data=JPEG)],
    ),
    (
        "google_generate",
        {"candidates": [candidate(blob(PNG), finish="IMAGE_SAFETY"), candidate(blob(JPEG), blob(PNG))]},
        [DrawnImage(data=PNG), DrawnImage(data=JPEG), DrawnImage(data=PNG)],
    ),
    ("google_generate", {"candidates": [candidate(blob(b"la", "audio/wav"), blob(PNG))]}, [DrawnImage(data=PNG)]),
    ("ideogram_legacy", {"created": "2000-01-23T04:56:07+00:00", "data": [safe(9)]}, [DRAWN]),
    ("ideogram_legacy", {"data": [held_back(), safe(9), held_back(url="")]}, [DRAWN]),
    ("ideogram_v2", {"generation_id": "g", "seed": 1, "notice": "n", "data": [safe(9)]}, [DRAWN]),
    ("ideogram_v2", {"data": [{"url": URL, "seed": True}]}, [DrawnImage(url=URL)]),
    ("ideogram_v2", {"data": [held_back(url=URL), safe(9)]}, [DRAWN]),
    ("bfl_flux", {"id": "t", "status": "Ready", "result": {"sample": SAMPLE, "seed": 9}}, [DrawnImage(url=SAMPLE)]),
]


def read(dialect: str, answer: httpx.Response) -> list[DrawnImage]:
    """What the dialect makes of an answer."""
    return DIALECTS[dialect].read(answer)


@pytest.mark.parametrize(("dialect", "body", "images"), PICTURES)
def test_pictures_are_read(dialect: str, body: dict[str, Any], images: list[DrawnImage]) -> None:
    """Every picture of a success comes back in order with what the vendor says of it; missing ones are no error."""
    assert read(dialect, httpx.Response(200, json=body)) == images


NO_PICTURES: list[tuple[str, dict[str, Any], type[ProviderError], str, str]] = [
    ("openai_images", {"data": []}, EmptyReplyError, "unknown", ""),
    ("openai_images", {"data": [{"revised_prompt": "x"}]}, EmptyReplyError, "unknown", ""),
    ("google_predict", {}, ContentPolicyError, "no", ""),
    ("google_predict", {"predictions": []}, ContentPolicyError, "no", ""),
    ("google_predict", {"predictions": [{"raiFilteredReason": "Your words."}]}, ContentPolicyError, "no", ""),
    *(
        ("google_generate", {"promptFeedback": {"blockReason": reason}}, ContentPolicyError, "no", reason)
        for reason in ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"]
    ),
    *(
        ("google_generate", {"candidates": [{"finishReason": reason}]}, ContentPolicyError, "no", reason)
        for reason in ["SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT"]
    ),
    ("google_generate", {"candidates": [{"finishReason": "IMAGE_RECITATION"}]}, ContentPolicyError, "no", "RECITATION"),
    ("google_generate", {"candidates": [{"finishReason": "NO_IMAGE"}]}, EmptyReplyError, "unknown", "NO_IMAGE"),
    ("google_generate", {"candidates": [{"finishReason": "IMAGE_OTHER"}]}, EmptyReplyError, "unknown", "IMAGE_OTHER"),
    ("google_generate", {"candidates": [candidate({"text": "I can't."})]}, EmptyReplyError, "unknown", "STOP"),
    ("google_generate", {"candidates": [candidate(blob(PNG, thought=True))]}, EmptyReplyError, "unknown", "STOP"),
    ("google_generate", {}, EmptyReplyError, "unknown", ""),
    ("ideogram_legacy", {"data": [held_back(), held_back(url="")]}, ContentPolicyError, "yes", ""),
    ("ideogram_legacy", {"data": []}, EmptyReplyError, "unknown", ""),
    ("ideogram_legacy", {"data": [{"is_image_safe": True, "url": None}]}, EmptyReplyError, "unknown", ""),
    ("ideogram_v2", {"data": [held_back()]}, ContentPolicyError, "yes", ""),
    ("ideogram_v2", {"data": [{}]}, EmptyReplyError, "unknown", ""),
    ("bfl_flux", {"status": "Request Moderated", "details": "Your words."}, ContentPolicyError, "no", "moderated"),
    ("bfl_flux", {"status": "Content Moderated", "result": None}, ContentPolicyError, "unknown", "content_moderated"),
    ("bfl_flux", {"status": "Ready", "result": {"sample": None}}, UpstreamError, "yes", "no link"),
    ("bfl_flux", {"status": "Error", "result": "Your words."}, UpstreamError, "unknown", "'Error'"),
    ("bfl_flux", {"status": "Task not found"}, UpstreamError, "unknown", "'Task not found'"),
    ("bfl_flux", {"status": "Your words.", "result": {"sample": SAMPLE}}, UpstreamError, "unknown", ""),
    ("bfl_flux", {"id": "t", "polling_url": None}, UpstreamError, "unknown", ""),
]


@pytest.mark.parametrize(("dialect", "body", "error", "billed", "reason"), NO_PICTURES)
def test_success_without_a_picture_is_an_error(
    dialect: str, body: dict[str, Any], error: type[ProviderError], billed: str, reason: str
) -> None:
    """A 200 without a picture is a content block where the vendor means one, else an empty reply, and says who paid."""
    with pytest.raises(error) as caught:
        read(dialect, httpx.Response(200, json=body))
    assert (type(caught.value), caught.value.billed, caught.value.upstream_status) == (error, billed, 200)
    assert reason in str(caught.value)
    assert "Your words" not in str(caught.value)


BROKEN: list[tuple[str, bytes]] = [
    *(
        (dialect, content)
        for dialect in DIALECTS
        for content in (b"", b"<html>busy</html>", b"[]", b"null", b'"x"', b"\xff\xfe\x00", b'{"data"', b"[" * 99_999)
    ),
    ("openai_images", b"{}"),
    ("openai_images", b'{"data": {"b64_json": "eA=="}}'),
    ("openai_images", b'{"data": [{"b64_json": "eA=="}, {"b64_json": "not base64!"}]}'),
    ("openai_images", '{"data": [{"b64_json": "eA==é"}]}'.encode()),
    ("openai_images", b'{"data": [{"b64_json": "eA"}]}'),
    ("openai_images", b'{"data": [{"b64_json": "e*A=="}]}'),
    ("google_predict", b'{"predictions": {}}'),
    ("google_predict", b'{"predictions": [{"bytesBase64Encoded": "eA"}]}'),
    ("google_generate", b'{"candidates": "none"}'),
    ("google_generate", b'{"candidates": [{"content": {"parts": [{"inlineData": {"data": "*"}}]}}]}'),
    ("ideogram_legacy", b'{"request_id": "queued"}'),
    ("ideogram_v2", b'{"generation_id": "g", "data": null}'),
]


@pytest.mark.parametrize(("dialect", "content"), BROKEN)
def test_unreadable_success_may_have_been_billed(dialect: str, content: bytes) -> None:
    """A 200 that is not the vendor's JSON, or whose picture is not base64, failed upstream and may have cost money."""
    with pytest.raises(UpstreamError) as caught:
        read(dialect, httpx.Response(200, content=content))
    assert (caught.value.billed, caught.value.upstream_status) == ("unknown", 200)


def test_half_a_surrogate_pair_cannot_reach_our_own_answer() -> None:
    """JSON can spell a lone surrogate; it is replaced, since our answer could not be encoded with it."""
    content = rb'{"data": [{"b64_json": "eA==", "revised_prompt": "a \ud83d cat"}]}'
    (image,) = read("openai_images", httpx.Response(200, content=content))
    assert image.revised_prompt == "a ? cat"
