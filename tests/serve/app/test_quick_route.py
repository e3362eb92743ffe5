"""The short way to an endpoint answers as FastAPI's own way does, whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
# FastAPI's own way is taken where the type says more than its name.
SHORT, LONG = "application/json", "application/json; charset=utf-8"


@pytest.mark.parametrize("path", ["/v1/generate", "/v1/images/generations"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"prompt": "a red bicycle", "n": 2}', 200),
        (b'{"prompt": "a red bicycle", "n": "2"}', None),  # pydantic reads a number in a text, or does not: both alike
        (b'{"prompt": "a red bicycle", "n": NaN}', 400),
        (b'{"prompt": "half a pair \\ud800"}', None),
        (b'{"prompt": "a", "prompt": "a red bicycle"}', 200),
        (b'\xef\xbb\xbf{"prompt": "a red bicycle"}', None),
        (b'{"prompt": "a red bicycle"', 400),
        (b'{"prompt": 7}', 400),
        (b'{"prompt": ""}', 400),
        (b"{}", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"", 400),
        (b"\xff", 400),
    ],
)
async def test_both_ways_answer_alike(
    path: str, body: bytes, status: int | None, serving: Serving, settings: Settings
) -> None:
    """Status, error and decision are the same; ids and times are each request's own."""
    async with serving(settings) as client:
        short, long = [await client.post(path, content=body, headers={"content-type": kind}) for kind in (SHORT, LONG)]
    assert short.status_code == long.status_code == (status or long.status_code)
    assert _told(short) == _told(long)


def _told(response: httpx.Response) -> Any:
    body = response.json()
    if response.is_error:
        return body["error"]
    return len(body["data"]), sorted(body), response.headers["x-prompt-intent"], response.headers["content-type"]
