"""A network of vendors: a function from Request to Response a host, and the service with every real key."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serve.settings import Settings

Vendor = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def keyed(tmp_path: Path) -> Settings:
    """A key for every vendor, so nothing is the sandbox's."""
    return Settings(
        home=tmp_path,
        openai_api_key=SecretStr("sk-o"),
        ideogram_api_key=SecretStr("sk-i"),
        gemini_api_key=SecretStr("sk-g"),
    )


@pytest.fixture
def openai_draws(png: bytes) -> Vendor:
    """OpenAI as it answers when all is well."""
    entry = {"b64_json": base64.b64encode(png).decode()}
    return lambda request: httpx.Response(200, json={"created": 1, "data": [entry]})


@pytest.fixture
def google_draws(png: bytes) -> Vendor:
    """Google's `:generateContent` as it answers when all is well."""
    part = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(png).decode()}}
    answer = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    return lambda request: httpx.Response(200, json=answer)
