"""Recraft's stand-in: OpenAI's request with fields of its own, errors in plain text or JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from serve.sandbox.app import Sandbox

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]


def kind_and_size(data: bytes) -> tuple[str | None, tuple[int, int]]:
    """The container and the pixels of a picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image.format, image.size


@pytest.mark.parametrize(
    ("fields", "kind", "size"),
    [
        ({"image_format": "png"}, "PNG", (1024, 1024)),
        ({"size": "1820x1024", "style": "digital_illustration", "random_seed": 7}, "WEBP", (1820, 1024)),
        ({"size": "9:16", "negative_prompt": "fog"}, "WEBP", (1024, 1820)),
        ({"model": "recraftv4_1", "size": "16:9", "image_format": "png"}, "PNG", (1344, 768)),
        ({"model": None, "size": "1536x768"}, "WEBP", (1536, 768)),
    ],
)
async def test_recraft_draws_the_size_and_format(
    *, fields: dict[str, object], kind: str, size: tuple[int, int], client: httpx.AsyncClient, send: Send
) -> None:
    """A size or a ratio of the model's own list, in base64 when asked for, and the credits that it cost."""
    answer = await send(client, "recraft", n=2, **fields)
    body = answer.json()
    assert len(body["data"]) == 2
    for row in body["data"]:
        assert set(row) == {"image_id", "b64_json"}
        assert kind_and_size(base64.b64decode(row["b64_json"])) == (kind, size)
    assert body["credits"] == (80 if fields.get("model", "recraftv3") == "recraftv3" else 70)
    assert answer.headers["x-recraft-requestid"]


async def test_recraft_answers_with_a_link_by_default(client: httpx.AsyncClient, send: Send) -> None:
    """The link is signed, on the host that was called, and leads to the picture."""
    url = (await send(client, "recraft", response_format=None)).json()["data"][0]["url"]
    assert url.startswith("http://sandbox.test/recraft/images/")
    assert kind_and_size((await client.get(url)).content) == ("WEBP", (1024, 1024))
    assert (await client.get(url.replace("sig=", "sig=0"))).status_code == 403


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 7}, "n"),
        ({"size": "1000x1000"}, "size"),
        ({"size": "1344x768"}, "size"),
        ({"output_format": "png"}, "output_format"),
        ({"image_format": "jpeg"}, "image_format"),
        ({"seed": 7}, "seed"),
        ({"quality": "high"}, "quality"),
        ({"prompt": "x" * 1001}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"model": "recraftv4_1", "negative_prompt": "fog"}, "negative_prompt"),
        ({"model": "recraftv4_1", "style": "vector"}, "style"),
        ({"model": "recraftv4_1", "size": "1820x1024"}, "size"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(
    fields: dict[str, object], named: str, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """400 with a message that names the field, and nothing is billed."""
    answer = await send(client, "recraft", **fields)
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert sandbox.ledger.totals["usd"] == 0


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer invalid"}, {"api-key": "any"}])
async def test_a_missing_or_wrong_key_is_refused_in_plain_text(
    headers: dict[str, str], client: httpx.AsyncClient, call: CallOf
) -> None:
    """401, and no JSON."""
    path, _, body = call("recraft")
    answer = await client.post(path, headers=headers, json=body)
    assert (answer.status_code, answer.text) == (401, "request unauthorized")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient, send: Send) -> None:
    """404, and the message names it."""
    answer = await send(client, "recraft", model="recraftv9")
    assert answer.status_code == 404
    assert "recraftv9" in answer.json()["message"]


async def test_a_blocked_prompt_is_refused(client: httpx.AsyncClient, send: Send, sandbox: Sandbox) -> None:
    """400, and nothing is billed."""
    answer = await send(client, "recraft", prompt="a sandbox-blocked scene")
    assert (answer.status_code, sandbox.ledger.totals["usd"]) == (400, 0)
