"""`GET /v1/images/{id}`: the vendor's own bytes to whoever knows the id, nothing to anybody else."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
async def test_the_bytes_are_served_as_they_came(kind: str, media_type: str, serving: Serving, tmp_path: Path) -> None:
    """The content type is what the bytes are, whatever the vendor called them; browsers may keep them for ever."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, kind)
    vendor = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"data": [{"b64_json": base64.b64encode(file.getvalue()).decode()}]})
    )
    settings = Settings(home=tmp_path, openai_api_key=SecretStr("sk"))
    async with serving(settings, transport=vendor) as client:
        drawn = await client.post("/v1/generate", json={"prompt": "a", "model": "gpt-image-2.5-flare"})
        response = await client.get(drawn.json()["data"][0]["url"])
    assert response.content == file.getvalue()
    assert response.headers["content-type"] == media_type
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize(
    "image_id",
    ["0" * 32, "0" * 31, "0" * 33, "A" * 32, "g" * 32, "%2e%2e", "..%2f..%2fchampion.json", "0" * 32 + ".png", "%00"],
)
async def test_an_id_that_is_not_there_is_a_404(image_id: str, serving: Serving, settings: Settings) -> None:
    """Unknown ids, and everything that is no id, are 404 in the envelope and touch no other file."""
    (settings.home / "champion.json").write_text("{}")
    async with serving(settings) as client:
        response = await client.get(f"/v1/images/{image_id}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


async def test_pictures_outlive_the_process(serving: Serving, settings: Settings) -> None:
    """A restarted service still serves what an earlier one stored."""
    async with serving(settings) as client:
        drawn = await client.post("/v1/generate", json={"prompt": "a", "model": "ideogram-v2"})
        before = await client.get(drawn.json()["data"][0]["url"])
    async with serving(settings) as client:
        after = await client.get(drawn.json()["data"][0]["url"])
    assert after.content == before.content
