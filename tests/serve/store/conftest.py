"""A real store in a file of the test's own, and short ways to say what happens to a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from serve.store import AttemptEnd, AttemptStart, ImageRecord, RequestEnd, RequestRecord, Store

NOW = 1_764_000_000.0
DAY = 86_400.0


class Life:
    """What happens to requests, with the figures that a test does not care about filled in."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def begin(self, request_id: str, **fields: Any) -> None:
        await self.store.begin(RequestRecord(request_id, fields.pop("created", NOW), **fields))

    async def send(self, request_id: str, number: int = 0, row: str = "gpt-image-2", **fields: Any) -> str:
        attempt_id = f"{request_id}/{number}"
        values = {"model": "dalle-3-std", "vendor_model": row, "provider": "openai", "sent": NOW, "cost_usd": 0.04}
        await self.store.attempt_sent(AttemptStart(attempt_id, request_id, number, row=row, **values | fields))
        return attempt_id

    async def call(self, request_id: str, number: int = 0, row: str = "gpt-image-2", **end: Any) -> str:
        """An attempt that is sent and ends at once."""
        attempt_id = await self.send(request_id, number, row)
        await self.end(attempt_id, **end)
        return attempt_id

    async def end(self, attempt_id: str, billed: Any = "yes", cost_usd: float = 0.04, **fields: Any) -> None:
        values = {"outcome": "ok", "status": 200, "ms": 900.0} | fields
        await self.store.attempt_ended(attempt_id, AttemptEnd(billed=billed, cost_usd=cost_usd, **values))

    async def finish(self, request_id: str, **end: Any) -> None:
        values = {"http_status": 200, "latency_ms": 1000.0, "ended": NOW + 1, "answer": f'{{"for": "{request_id}"}}'}
        await self.store.finish(request_id, RequestEnd(**values | end))

    async def claim(self, key: str, request_id: str, fingerprint: str = "body", now: float = NOW) -> Any:
        return await self.store.claim(key, "caller", fingerprint, request_id, now, DAY)


def image(image_id: str, request_id: str, **fields: Any) -> ImageRecord:
    """A picture's record."""
    values = {"model": "dalle-3-std", "intent": "preview", "media_type": "image/png", "width": 1024, "height": 768}
    values |= {"request": '{"n": 1}', "created": NOW}
    return ImageRecord(image_id, request_id, **values | fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is; its folder is not there yet."""
    return tmp_path / "home" / "gateway.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """An open store."""
    async with Store.open(path) as opened:
        yield opened


@pytest.fixture
def life(store: Store) -> Life:
    """What happens to the requests of `store`."""
    return Life(store)
