"""Whether a machine can read the wanted words back from the pictures that the vendors' stand-ins send."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from rapidocr import RapidOCR

WORDS = "SALE50%OFF"
Send = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(scope="module")
def reader() -> Callable[[bytes], str]:
    """Reads the text of a picture, without white space; its own chatter is silenced."""
    engine = RapidOCR(params={"Global.log_level": "critical"})

    def read(picture: bytes) -> str:
        image = Image.open(io.BytesIO(picture)).convert("RGB")
        image.thumbnail((640, 640))
        found: Any = engine(np.asarray(image))
        return re.sub(r"\s", "", "".join(found.txts or ()))

    return read


async def picture_of(client: httpx.AsyncClient, send: Send, dialect: str) -> bytes:
    """The bytes of the picture that a dialect's valid call gets."""
    body = (await send(client, dialect)).json()
    if dialect in ("legacy", "v2"):
        return (await client.get(body["data"][0]["url"])).content
    if dialect == "imagen":
        return base64.b64decode(body["predictions"][0]["bytesBase64Encoded"])
    if dialect == "gemini":
        parts = body["candidates"][0]["content"]["parts"]
        return base64.b64decode(next(part["inlineData"]["data"] for part in parts if "inlineData" in part))
    return base64.b64decode(body["data"][0]["b64_json"])


@pytest.mark.parametrize("dialect", ["legacy", "v2", "gpt", "gemini"])
async def test_a_model_that_can_spell_draws_the_words(
    dialect: str, client: httpx.AsyncClient, send: Send, reader: Callable[[bytes], str]
) -> None:
    """Ideogram, GPT Image and Gemini draw legible words, under a band that says SANDBOX."""
    text = reader(await picture_of(client, send, dialect))
    assert WORDS in text
    assert "SANDBOX" in text


@pytest.mark.parametrize("dialect", ["dalle", "imagen"])
async def test_a_model_that_cannot_spell_garbles_the_words(
    dialect: str, client: httpx.AsyncClient, send: Send, reader: Callable[[bytes], str]
) -> None:
    """dall-e-3 and Imagen get the words wrong, and the caption does not betray them either."""
    text = reader(await picture_of(client, send, dialect))
    assert WORDS not in text
    assert "SALE" in text
    assert "OOF" in text
    assert "SANDBOX" in text
