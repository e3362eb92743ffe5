"""What a vendor says that a call used: token counts, or its own bill."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from serve.image_request import Usage
from serve.providers import DIALECTS


def openai(**usage: object) -> dict[str, Any]:
    """An Images answer that counts tokens."""
    return {"created": 1, "data": [], "usage": usage}


def google(**usage: object) -> dict[str, Any]:
    """A `:generateContent` answer that counts tokens."""
    return {"candidates": [], "usageMetadata": usage}


def details(**tokens: int) -> list[dict[str, object]]:
    """Google's list of tokens by modality."""
    return [{"modality": modality, "tokenCount": count} for modality, count in tokens.items()]


IN, OUT = {"text_tokens": 10, "image_tokens": 40}, {"image_tokens": 196, "text_tokens": 4}

STATED: list[tuple[str, dict[str, Any], Usage | None]] = [
    (
        "openai_images",
        openai(input_tokens=50, output_tokens=200, input_tokens_details=IN, output_tokens_details=OUT),
        Usage(10, 40, 196, 4),
    ),
    ("openai_images", openai(input_tokens=50, output_tokens=196, total_tokens=246), Usage(50, None, 196, None)),
    ("openai_images", openai(input_tokens=0, output_tokens=0), Usage(0, None, 0, None)),
    ("openai_images", openai(input_tokens=-1, output_tokens=True), None),
    ("openai_images", openai(), None),
    ("openai_images", {"data": []}, None),
    ("openai_images", {"usage": [1]}, None),
    (
        "google_generate",
        google(
            promptTokenCount=12,
            promptTokensDetails=details(TEXT=12),
            candidatesTokenCount=1150,
            candidatesTokensDetails=details(IMAGE=1120),
            thoughtsTokenCount=70,
        ),
        Usage(12, None, 1120, 100),
    ),
    ("google_generate", google(promptTokenCount=12, candidatesTokenCount=1120), Usage(12, None, 1120, 0)),
    ("google_generate", google(promptTokenCount=12, thoughtsTokenCount=7), Usage(12, None, None, 7)),
    (
        "google_generate",
        google(candidatesTokenCount=5, candidatesTokensDetails=details(IMAGE=9)),
        Usage(None, None, 9, 0),
    ),
    ("google_generate", google(), None),
    ("google_generate", {}, None),
    ("bfl_flux", {"id": "t", "polling_url": "https://api.bfl.ai/t", "cost": 4.5}, Usage(usd=0.045)),
    ("bfl_flux", {"cost": 0}, Usage(usd=0.0)),
    ("bfl_flux", {"cost": 1.4}, Usage(usd=0.014)),
    ("bfl_flux", {"cost": "4.5"}, None),
    ("bfl_flux", {"cost": -1}, None),
    ("bfl_flux", {"status": "Ready"}, None),
]


@pytest.mark.parametrize(("dialect", "body", "used"), STATED)
def test_usage_is_what_the_answer_says(dialect: str, body: dict[str, Any], used: Usage | None) -> None:
    """Each figure lands under its kind, 0 is a figure, and what is not said, or cannot be, is None."""
    reader = DIALECTS[dialect].usage
    assert reader is not None
    assert reader(httpx.Response(200, json=body)) == used


@pytest.mark.parametrize(("dialect", "body"), [("openai_images", openai(input_tokens=5)), ("bfl_flux", {"cost": 3})])
def test_a_refusal_used_nothing_that_counts(dialect: str, body: dict[str, Any]) -> None:
    """Figures in an error are not believed."""
    reader = DIALECTS[dialect].usage
    assert reader is not None
    assert reader(httpx.Response(500, json=body)) is None


def test_the_others_say_nothing() -> None:
    """Imagen and Ideogram report no usage at all."""
    silent = {name for name, dialect in DIALECTS.items() if dialect.usage is None}
    assert silent == {"google_predict", "ideogram_legacy", "ideogram_v2"}
