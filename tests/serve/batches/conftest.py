"""Batches against the sandbox: in process with its ledger at hand, and servers on loopback ports."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from starlette.types import ASGIApp

from serve.batches.batch import Tally
from serve.batches.gateway import Gateway
from serve.batches.in_process import InProcess, open_in_process
from serve.batches.items import Item, Reading, read_items
from serve.batches.manifest import Line, open_manifest
from serve.batches.plan import BatchRules, Verdict
from serve.batches.purse import Purse
from serve.batches.session import draw_many
from serve.clock import Clock
from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from serve.schemas import ErrorDetail
from serve.settings import Settings
from tests.serve.conftest import TODAY, MakeClassifier

CLOCK = Clock(today=lambda: TODAY)
# A price a picture, which is what the sandbox charges to the cent.
MODEL = {"model": "imagen-4-fast"}
PROMPTS = ("a fox", "a red fox", "a fox", "a heron")

Bench = Callable[..., AbstractAsyncContextManager["Scene"]]
ServeOnPort = Callable[[ASGIApp], str]


class Notes:
    """A watch that only remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[Line, ErrorDetail | None]] = []
        self.said: list[str] = []
        self.spent = 0.0

    def passed_over(self, item: Item, verdict: Verdict) -> None:
        self.said.append(f"{item.index} {verdict}")

    def settled(self, line: Line, error: ErrorDetail | None, spent: float) -> None:
        self.lines.append((line, error))
        self.spent = spent


@dataclass
class Scene:
    """A gateway, the sandbox behind it, and a folder to draw into."""

    gateway: Gateway
    sandbox: Sandbox
    folder: Path
    notes: Notes = field(default_factory=Notes)
    clock: Clock = CLOCK

    async def draw(
        self, prompts: Sequence[str], ceiling: float | None = None, rules: BatchRules | None = None, **options: Any
    ) -> tuple[Tally, Purse]:
        """One run of the batch over these prompts."""
        items = items_of(self.folder.parent, prompts, options or MODEL)
        with open_manifest(self.folder) as manifest:
            return await draw_many(
                self.gateway,
                manifest,
                self.folder,
                items.items,
                ceiling,
                rules or BatchRules(),
                self.clock,
                self.notes,
                self.notes.said.append,
            )

    @property
    def manifest(self) -> list[Line]:
        """The manifest's lines, as they are in the file."""
        return [Line.model_validate_json(line) for line in (self.folder / "manifest.jsonl").read_text().splitlines()]

    def forget_the_end_of(self, *indexes: int) -> None:
        """Put the manifest back to where it was before these prompts' ends were written down."""
        lines = [_started(line) if line.index in indexes else line for line in self.manifest]
        text = "".join(f"{line.model_dump_json()}\n" for line in lines)
        (self.folder / "manifest.jsonl").write_text(text, "utf-8")


def _started(line: Line) -> Line:
    nothing = {"files": [], "ms": None, "cost_usd": 0.0, "billed": "no", "error": None}
    return line.model_copy(update={"outcome": "started", **nothing})


def items_of(folder: Path, prompts: Sequence[str], options: dict[str, Any]) -> Reading:
    """The prompts, read from a file of lines."""
    file = folder / "prompts.txt"
    file.write_text("".join(f"{prompt}\n" for prompt in prompts), "utf-8")
    return read_items(str(file), None, options)


@pytest.fixture
def bench(tmp_path: Path, make_classifier: MakeClassifier) -> Bench:
    """`async with bench(rule, ...) as scene`: an in-process service on the test's home, and a sandbox with faults."""

    @asynccontextmanager
    async def open_bench(*rules: FaultRule, clock: Clock = CLOCK, **changes: Any) -> AsyncIterator[Scene]:
        sandbox = create_sandbox(FaultPlan(rules))
        settings = Settings(home=tmp_path / "home", attempts=1, **changes)
        transport = httpx.ASGITransport(app=sandbox)
        async with open_in_process(settings, clock, classifier=make_classifier(), transport=transport) as gateway:
            assert isinstance(gateway, InProcess)
            yield Scene(gateway, sandbox, tmp_path / "out", clock=clock)

    return open_bench


@pytest.fixture
def serve_on_port() -> Iterator[ServeOnPort]:
    """Serves an application on a free port of 127.0.0.1; gives its base URL, and stops it afterwards."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(app: ASGIApp) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """Put back what a command sets up for its own process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def at(clock: Clock, seconds: float) -> Clock:
    """The clock, so many seconds later by the calendar."""
    return replace(clock, now=lambda: clock.now() + seconds)
