"""The page, its assets and the documentation: all from here, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import urljoin

import httpx
import pytest

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_page_loads_only_what_we_serve(path: str, serving: Serving, settings: Settings) -> None:
    """Every script, style and picture that a page names is ours and there; nothing is inline, as the policy wants."""
    async with serving(settings) as client:
        page = await client.get(path)
        assert page.headers["content-type"].startswith("text/html")
        links = re.findall(r'<(?:script|link|img)\b[^>]*?(?:src|href)="([^"]+)"', page.text)
        assert links
        for link in links:
            assert not re.match(r"[a-z]+:|//", link)
            asset = await client.get(urljoin(path, link))
            assert (asset.status_code, asset.headers["cache-control"]) == (200, "no-cache"), link
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page.text)


async def test_the_documentation_names_every_path_and_field(serving: Serving, settings: Settings) -> None:
    """/docs says what /openapi.json says: each path, what to send, what comes back."""
    async with serving(settings) as client:
        page, document = (await client.get("/docs")).text, (await client.get("/openapi.json")).json()
    assert set(document["paths"]) == {
        "/v1/classify", "/v1/route", "/v1/generate", "/v1/images/generations", "/v1/images/{image_id}",
        "/v1/images/{image_id}/export", "/v1/models", "/v1/models/{model}", "/v1/feedback", "/v1/stats",
        "/v1/ledger", "/healthz", "/readyz",
    }  # fmt: skip
    for path in document["paths"]:
        assert path in page
    for field in (
        "aspect_ratio", "response_format", "data[].b64_json", "routing.candidates[].reason", "error.param",
        "max_cost", "deadline_ms", "optimize.cost", "routing.request_id", "right_intent", "breakers",
        "data[].billed",
    ):  # fmt: skip
        assert f"<code>{field}</code>" in page
