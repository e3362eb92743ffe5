"""The attempt loop and all it works with: a real store and caller, the sandbox or scripted vendors, a fake clock."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from PIL import Image
from pydantic import SecretStr

from serve.call_rules import CallRules
from serve.calling import Caller
from serve.catalog import Catalog, load_catalog
from serve.client import make_client
from serve.constraints import Wishes
from serve.deadline import GRACE_S
from serve.drawing import Draw
from serve.generation import Choose
from serve.image_request import ImageRequest
from serve.job import Job, run
from serve.pictures import PictureDesk
from serve.retry import RetryRule
from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from serve.settings import Settings
from serve.store import LedgerEntry, RequestEnd, RequestRecord, Store
from serve.targets import Targets
from serve.trying import TryModel
from serve.vitals import Vitals, make_vitals
from tests.serve.fake_time import FakeTime

OPENAI, GOOGLE, IDEOGRAM = "api.openai.com", "generativelanguage.googleapis.com", "api.ideogram.ai"
RULES = CallRules(RetryRule(), patience=60.0, deadline=300.0)
FLARE = "gpt-image-2.5-flare"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def job(
    prompt: str = "two cats", *, n: int = 1, model: str | None = None, intent: str | None = None, **wishes: object
) -> Job:
    """A request for the complex_logic route, unless it names a model or an intent."""
    intent = intent or (None if model else "complex_logic")
    return Job(ImageRequest(prompt, n=n), model=model, intent=intent, wishes=Wishes(**wishes))  # type: ignore[arg-type]


def outcomes(ended: Job) -> list[tuple[str, str]]:
    """Who was called, by the vendor's id, and what came of it, in order."""
    return [(attempt.vendor_model, attempt.outcome) for attempt in ended.attempts]


def says(status: int, code: str = "some_code", headers: dict[str, str] | None = None) -> httpx.Response:
    """An error as OpenAI spells it."""
    error = {"message": "secret words of the vendor", "type": "invalid_request_error", "code": code}
    return httpx.Response(status, json={"error": error}, headers=headers)


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "orange").save(file, "PNG")
    return file.getvalue()


PNG = _png()


def draws(request: httpx.Request) -> httpx.Response:
    """A picture, in the words of whoever is asked."""
    data = base64.b64encode(PNG).decode()
    if request.url.host == GOOGLE:
        content = {"parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}
        return httpx.Response(200, json={"candidates": [{"content": content, "finishReason": "STOP"}]})
    n = json.loads(request.content).get("n", 1)
    return httpx.Response(200, json={"created": 1, "data": [{"b64_json": data}] * n})


class Vendors:
    """Answers by host from a list, whose last entry answers ever after; `called` are the hosts in order."""

    def __init__(self, answers: dict[str, Iterable[Answer]]) -> None:
        self._answers = {host: deque(told) for host, told in answers.items()}
        self.called: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self.called.append(host)
        told = self._answers[host]
        answer = told.popleft() if len(told) > 1 else told[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


@dataclass
class Gate(httpx.AsyncBaseTransport):
    """The way to `beyond`, closed until `opened`. `images` are in flight now, `most` is how many ever were at once."""

    beyond: httpx.AsyncBaseTransport
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    images: int = 0
    most: int = 0
    _change: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def holds(self, images: int) -> None:
        """Wait until so many are in flight."""
        async with asyncio.timeout(20), self._change:
            await self._change.wait_for(lambda: self.images == images)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await self.beyond.handle_async_request(request)
        body = json.loads(request.content)
        weight = body.get("image_request", body).get("num_images", 1)
        await self._count(weight)
        try:
            await self.opened.wait()
            return await self.beyond.handle_async_request(request)
        finally:
            await self._count(-weight)

    async def _count(self, weight: int) -> None:
        async with self._change:
            self.images += weight
            self.most = max(self.most, self.images)
            self._change.notify_all()


@dataclass(frozen=True)
class Scene:
    """A loop on its stage."""

    choose: Choose
    draw: Draw
    store: Store
    vitals: Vitals
    catalog: Catalog
    targets: Targets
    time: FakeTime

    async def run(self, asked: Job) -> Job:
        """Take the job through choosing and drawing, as the studio does."""
        await self.store.begin(RequestRecord(asked.request_id, self.time.at))
        return await run(asked, (self.choose, self.draw))

    async def finish(self, ended: Job) -> None:
        """Write the job's end down, as the studio does."""
        status = 200 if ended.failure is None else ended.failure.status
        await self.store.finish(ended.request_id, RequestEnd(status, 9.0, self.time.at, late_ends=ended.late_ends))

    async def ledger(self) -> list[LedgerEntry]:
        """All attempts, the oldest first."""
        return [*reversed(await self.store.ledger(10_000))]


def sandbox_with(*rules: FaultRule) -> Sandbox:
    """A sandbox on which this goes wrong."""
    return create_sandbox(FaultPlan(rules))


def keyed(home: Path) -> Settings:
    """A key for the three vendors of the story, so that nothing is the sandbox's."""
    return Settings(
        home=home,
        openai_api_key=SecretStr("sk-o"),
        ideogram_api_key=SecretStr("sk-i"),
        gemini_api_key=SecretStr("sk-g"),
    )


@asynccontextmanager
async def stage(
    home: Path,
    transport: Sandbox | Vendors | httpx.AsyncBaseTransport,
    *,
    settings: Settings | None = None,
    rules: CallRules = RULES,
    time: FakeTime | None = None,
    vitals: Vitals | None = None,
    chance: Callable[[], float] = lambda: 0.5,
    catalog: Catalog | None = None,
    grace_s: float = GRACE_S,
    closing: asyncio.Event | None = None,
) -> AsyncIterator[Scene]:
    """The loop in front of the sandbox, of scripted vendors, or of any transport; the latter two need `settings`."""
    if isinstance(transport, Sandbox):
        settings, transport = settings or Settings(home=home, sandbox="on"), httpx.ASGITransport(app=transport)
    elif isinstance(transport, Vendors):
        settings, transport = settings or keyed(home), httpx.MockTransport(transport)
    assert settings is not None
    time, catalog = time or FakeTime(), catalog or load_catalog()
    targets, vitals = Targets.from_settings(settings, catalog), vitals or make_vitals(time.clock)
    vitals.limiter.open({name: provider.max_in_flight for name, provider in catalog.providers.items()})
    async with Store.open(settings.state.database) as store, make_client(settings, transport) as client:
        caller = Caller(client, targets, rules.patience, hear=vitals.hear)
        attempt = TryModel(caller, PictureDesk(client, targets), store, time.clock, grace_s)
        draw = Draw(attempt, vitals, rules, catalog, targets, time.clock, chance, closing)
        choose = Choose(catalog, targets, vitals, time.clock)
        yield Scene(choose, draw, store, vitals, catalog, targets, time)


def with_rebill(rules: CallRules = RULES) -> CallRules:
    """The rules of an operator who would rather pay twice than go without a picture."""
    return replace(rules, rebill=True)
