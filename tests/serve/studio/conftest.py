"""The running service in this process, its sandbox and its store at hand, and a gate on the way to the vendors."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.app import create_app
from serve.sandbox.app import Sandbox, create_sandbox
from serve.service import Service
from serve.settings import Settings
from tests.serve.conftest import MakeClassifier
from tests.serve.fake_time import FakeTime
from tests.serve.generation.drawing_scene import Gate


@dataclass(frozen=True)
class Gateway:
    """A service, the vendors behind it, and a client of it."""

    client: httpx.AsyncClient
    service: Service
    sandbox: Sandbox
    gate: Gate
    time: FakeTime

    @property
    def bills(self) -> float:
        """How many calls the vendors charged for."""
        return self.sandbox.ledger.totals["billed_calls"]

    async def ask(self, key: str | None = None, path: str = "/v1/generate", **fields: Any) -> httpx.Response:
        """A picture, with an idempotency key or without; by the preview's model unless another one is named."""
        body = {"prompt": "a red fox", "model": "imagen-4-fast", **fields}
        return await self.client.post(path, json=body, headers={} if key is None else {"Idempotency-Key": key})

    async def run_into(self, *asked: asyncio.Task[httpx.Response]) -> None:
        """Let all of them arrive, and wait until one is at the vendors' gate."""
        await self.gate.holds(1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(task.done() for task in asked)

    def spoil(self, statement: str) -> None:
        """Somebody else changes the store's file."""
        with closing(sqlite3.connect(self.service.settings.state.database)) as file:
            file.execute(statement)


Open = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def open_gateway(make_classifier: MakeClassifier, tmp_path: Path) -> Open:
    """`async with open_gateway(sandbox) as gateway`: the service in the test's folder, a new process each time."""

    @asynccontextmanager
    async def serve(
        sandbox: Sandbox | None = None, *, shut: bool = False, time: FakeTime | None = None, **settings: Any
    ) -> AsyncIterator[Gateway]:
        sandbox, time = sandbox or create_sandbox(), time or FakeTime()
        gate = Gate(httpx.ASGITransport(app=sandbox))
        if not shut:
            gate.opened.set()
        app = create_app(
            Settings(home=tmp_path, sandbox="on", **settings),
            classifier=make_classifier(),
            transport=gate,
            clock=time.clock,
        )
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://localhost:8000"
            ) as client,
        ):
            yield Gateway(client, app.state.service, sandbox, gate, time)

    return serve
