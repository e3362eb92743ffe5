"""The service as its users meet it: on a real port before the sandbox, or in process with a clock and a vendor held."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from classifier import IntentClassifier
from serve.app import create_app
from serve.catalog import Catalog
from serve.clock import Clock
from serve.event_stream import PING_SECONDS
from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from serve.sandbox.ledger import Ledger
from serve.settings import Settings

TODAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Face:
    """A running service. `asked` are the paths of the requests that reached it, in order."""

    url: str
    sandbox: Sandbox
    asked: list[str]
    _closing: ExitStack

    def sdk(self, api_key: str = "any", max_retries: int = 0, **options: Any) -> openai.OpenAI:
        """OpenAI's client, told another `base_url`."""
        client = openai.OpenAI(api_key=api_key, base_url=f"{self.url}/v1", max_retries=max_retries, **options)
        return self._closing.enter_context(client)

    def http(self, **options: Any) -> httpx.Client:
        """A plain client."""
        return self._closing.enter_context(httpx.Client(base_url=self.url, timeout=60, **options))


@dataclass
class Held(httpx.AsyncBaseTransport):
    """The way to the vendors, closed until `opened`; `reached` once somebody came to it. For any thread's loop."""

    beyond: httpx.AsyncBaseTransport
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.reached.set()
        assert await asyncio.to_thread(self.opened.wait, 60)
        return await self.beyond.handle_async_request(request)


@dataclass
class Pulse:
    """A clock's sleep: signs of life are due when a test `beat`s, and every other wait is over at once."""

    _beats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def beat(self, times: int) -> None:
        for _ in range(times):
            self._beats.release()

    async def sleep(self, seconds: float) -> None:
        if seconds == PING_SECONDS:
            await self._beats.acquire()


Serve = Callable[..., Face]
InProcess = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


def _counting(app: ASGIApp, asked: list[str]) -> ASGIApp:
    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
        await app(scope, receive, send)

    return counted


def _start(app: ASGIApp, closing: ExitStack) -> str:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    closing.callback(_stop, server, thread)
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _stop(server: uvicorn.Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(timeout=30)
    assert not thread.is_alive()


@pytest.fixture
def serve_face(make_classifier: Callable[[], IntentClassifier], tmp_path: Path) -> Iterator[Serve]:
    """`serve_face(rule, ..., setting=value)`: the service on a port of its own, its sandbox with these faults."""
    with ExitStack() as closing:

        def serve(
            *rules: FaultRule,
            held: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda beyond: beyond,
            clock: Clock | None = None,
            **settings: Any,
        ) -> Face:
            sandbox, asked = create_sandbox(FaultPlan(rules)), list[str]()
            app = create_app(
                Settings(home=tmp_path / "served", sandbox="on", **settings),
                classifier=make_classifier(),
                transport=held(httpx.ASGITransport(app=sandbox)),
                clock=clock or Clock(today=lambda: TODAY),
            )
            return Face(_start(_counting(app, asked), closing), sandbox, asked, closing)

        yield serve


@pytest.fixture
def pulse() -> Pulse:
    """When signs of life are due."""
    return Pulse()


@pytest.fixture
def in_process(make_classifier: Callable[[], IntentClassifier], tmp_path: Path, pulse: Pulse) -> InProcess:
    """`async with in_process(transport) as client`: the app on the test's own loop, its sleep in the test's hand."""

    @asynccontextmanager
    async def serve(
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        catalog: Catalog | None = None,
        **settings: Any,
    ) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(
            Settings(home=tmp_path / "in-process", sandbox="on", **settings),
            catalog=catalog,
            classifier=make_classifier(),
            transport=transport,
            clock=Clock(today=lambda: TODAY, sleep=pulse.sleep),
        )
        way = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=way, base_url="http://localhost:8000") as client,
        ):
            yield client

    return serve


@dataclass(frozen=True)
class Vendors:
    """A sandbox whose ledger a test reads, and the way to it."""

    sandbox: Sandbox

    @property
    def ledger(self) -> Ledger:
        """What the vendors were asked."""
        return self.sandbox.ledger

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """The way there."""
        return httpx.ASGITransport(app=self.sandbox)


@pytest.fixture
def vendors() -> Vendors:
    """Vendors on a good day."""
    return Vendors(create_sandbox())
