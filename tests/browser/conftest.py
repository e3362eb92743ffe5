"""The real service on a loopback port, Debian's chromium, and pages that remember what their console said."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from classifier import IntentClassifier
from classifier.features import FeatureSpec, SurfaceFeatures
from classifier.head import LinearHead
from classifier.outlyingness import Outlyingness
from serve.app import create_app
from serve.settings import PREFIX, Settings

CHROMIUM = Path("/usr/bin/chromium")
# Nothing but the service is there for the browser: every other name fails to resolve.
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LOUD = ("error", "warning")
VENDOR_VARIABLES = {
    f"{vendor}_{what}" for vendor in ("OPENAI", "IDEOGRAM", "GEMINI") for what in ("API_KEY", "BASE_URL")
}
FEATURES = [
    FeatureSpec("words", r'"|banner:'),
    FeatureSpec("rough", r"mockup|quick|draft"),
    FeatureSpec("unclear", r"hmm"),
]
# A row a class: the encoder's one number, which counts for nothing, then the three features.
WEIGHTS = [[0.0, 0.0, 8.0, 4.0], [0.0, 12.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
BIAS = [0.0, 0.0, 4.0]
OUTLYINGNESS = Outlyingness(
    np.zeros((3, 1), np.float32), np.eye(1, dtype=np.float32), np.linspace(0, 1, 101, dtype=np.float32)
)

Serve = Callable[..., str]
Visit = Callable[..., "Visitor"]


class FlatEncoder:
    """Sees no difference between texts: the surface features decide alone."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 1), dtype=np.float32)


def make_classifier() -> IntentClassifier:
    """Quotes or "banner:" mean text_heavy, "mockup|quick|draft" preview, "hmm" is a draw, all else complex_logic."""
    classes = ("preview", "text_heavy", "complex_logic")
    head = LinearHead(np.array(WEIGHTS, np.float32), np.array(BIAS, np.float32), 1.0, classes)
    features, version = SurfaceFeatures(FEATURES), "0123456789abcdef"
    return IntentClassifier(FlatEncoder(), features, head, OUTLYINGNESS, threshold=0.6, version=version)


@dataclass
class Visitor:
    """A page of the service with the browser's complaints; `tolerated` are parts of those that a test expects."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)

    def unexpected(self) -> list[str]:
        """The complaints that no test asked for."""
        return [text for text in self.complaints if not any(part in text for part in self.tolerated)]

    def type(self, text: str) -> None:
        """Replace the prompt, as typing does."""
        self.page.get_by_label("Prompt", exact=True).fill(text)

    def generate(self, text: str) -> None:
        """Replace the prompt and press the button."""
        self.type(text)
        self.page.get_by_role("button", name="Generate").click()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: playwright's own event loop must not be there when other modules run theirs."""
    if not CHROMIUM.exists():
        pytest.fail(f"no {CHROMIUM}: install it with `apt-get install chromium`", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts the service on a free port of 127.0.0.1, keyless unless told otherwise; gives its address."""
    with ExitStack() as stack:
        keys_out = stack.enter_context(pytest.MonkeyPatch.context())
        for name in [name for name in os.environ if name in VENDOR_VARIABLES or name.startswith(PREFIX)]:
            keys_out.delenv(name)

        def start(*, transport: httpx.AsyncBaseTransport | None = None, **wishes: object) -> str:
            settings = Settings.model_validate({"home": tmp_path_factory.mktemp("home"), **wishes})
            return stack.enter_context(_running(settings, transport))

        yield start


@pytest.fixture(scope="module")
def address(serve: Serve) -> str:
    """The keyless default: everything is drawn by the sandbox."""
    return serve()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """Opens pages, each in a browser context of its own; a complaint that no test expects fails the test."""
    visitors: list[Visitor] = []

    def open_page(path: str = "/", at: str = address, width: int = 1280, **options: object) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        visitor = Visitor(context.new_page())
        visitors.append(visitor)
        _listen(visitor)
        visitor.page.goto(f"{at}{path}")
        return visitor

    yield open_page
    for visitor in visitors:
        visitor.page.unroute_all(behavior="ignoreErrors")
        visitor.page.context.close()
    assert [text for visitor in visitors for text in visitor.unexpected()] == []


def _listen(visitor: Visitor) -> None:
    """Broken content security policies are console errors too."""
    visitor.page.on(
        "console",
        lambda said: visitor.complaints.append(f"{said.text} {said.location['url']}") if said.type in LOUD else None,
    )
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))


@contextmanager
def _running(settings: Settings, transport: httpx.AsyncBaseTransport | None) -> Iterator[str]:
    app = create_app(settings, classifier=make_classifier(), transport=transport)
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    assert server.started
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive()
