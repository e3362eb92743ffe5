"""Many callers at once, who each ask for one picture by intent and write down what they are told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from serve.app import create_app
from serve.breaker import BreakerSettings
from serve.clock import Clock
from serve.settings import Settings
from serve.store import Store
from serve.vitals import make_vitals
from tests.serve.storm.vendors import Vendors

PROMPTS = {
    "preview": "quick mockup of a harbour",
    "text_heavy": 'a poster that says "OPEN"',
    "complex_logic": "a cat that chases the dog that usually chases it",
}
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


@dataclass(frozen=True, slots=True)
class Told:
    """What one caller was told. `number` is in its prompt; `code` is the error's, None with a picture."""

    number: int
    status: int
    code: str | None = None
    repeat: str | None = None  # the header x-should-retry
    picture: bool = False


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway in this process: the way to it, and its own books."""

    client: httpx.AsyncClient
    store: Store

    async def storm(self, requests: int, at_once: int, intents: Sequence[str]) -> list[Told]:
        """So many different requests over the intents in turn, so many of them at any time."""
        asked = iter([(number, intents[number % len(intents)]) for number in range(requests)])
        told: list[Told] = []
        await asyncio.gather(*(self._caller(asked, told) for _ in range(at_once)))
        return told

    async def attempts(self) -> int:
        """How many calls the gateway's own books have, but for those that got no connection."""
        entries = await self.store.ledger(1_000_000)
        return sum(entry.status is not None or entry.billed != "no" for entry in entries)

    async def _caller(self, asked: Iterator[tuple[int, str]], told: list[Told]) -> None:
        for number, intent in asked:
            told.append(await self._ask(number, intent))

    async def _ask(self, number: int, intent: str) -> Told:
        body = {"model": intent, "prompt": f"{PROMPTS[intent]}, storm {number:06d}"}
        answer = await self.client.post("/v1/images/generations", json=body)
        repeat = answer.headers.get("x-should-retry")
        if answer.status_code != 200:
            return Told(number, answer.status_code, answer.json()["error"]["code"], repeat)
        [image] = answer.json()["data"]
        return Told(number, 200, None, repeat, base64.b64decode(image["b64_json"]).startswith(_MAGIC))


@asynccontextmanager
async def gateway(
    home: Path, vendors: Vendors, breaker: BreakerSettings | None, clock: Clock
) -> AsyncIterator[Gateway]:
    """The service before these vendors, its state in `home`; None are the shipped breakers."""
    settings = Settings(home=home, **vendors.settings)
    app = create_app(settings, clock=clock, vitals=make_vitals(clock, breaker))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", timeout=None) as client,
    ):
        yield Gateway(client, app.state.service.store)
