"""A tiny classifier behind the real class, the app through ASGI, and an environment without anybody's keys."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifier import IntentClassifier
from classifier.features import FeatureSpec, SurfaceFeatures
from classifier.head import LinearHead
from classifier.outlyingness import Outlyingness
from serve.app import create_app
from serve.catalog import Catalog
from serve.clock import Clock
from serve.settings import Settings

TODAY = date(2026, 11, 22)
VENDORS = ("OPENAI", "IDEOGRAM", "GEMINI", "BFL", "RECRAFT")
VENDOR_VARIABLES = {f"{vendor}_{what}" for vendor in VENDORS for what in ("API_KEY", "BASE_URL")}
FEATURES = [
    FeatureSpec("words", r'"|banner:'),
    FeatureSpec("rough", r"mockup|quick|draft"),
    FeatureSpec("unclear", r"hmm"),
]
# A row a class: two encoder dimensions that hardly count, then the three features.
WEIGHTS = [[0.01, 0.0, 0.0, 8.0, 4.0], [0.0, 0.01, 12.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
BIAS = [0.0, 0.0, 4.0]
# Every class lies at the origin, and distances up to 2 are known.
OUTLYINGNESS = Outlyingness(
    np.zeros((3, 2), np.float32), np.eye(2, dtype=np.float32), np.linspace(0, 2, 101, dtype=np.float32)
)

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
MakeClassifier = Callable[..., IntentClassifier]


class FakeEncoder:
    """Hashes a text to two numbers; `before` runs first, in the thread that encodes."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._before()
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        return np.array([[digest[0] / 255, digest[1] / 255] for digest in digests], dtype=np.float32)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys out of every test."""
    for name in VENDOR_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_classifier() -> MakeClassifier:
    """Quotes or "banner:" mean text_heavy, "mockup|quick|draft" preview, "hmm" is a draw, all else complex_logic."""

    def make(before: Callable[[], None] = lambda: None) -> IntentClassifier:
        classes = ("preview", "text_heavy", "complex_logic")
        head = LinearHead(np.array(WEIGHTS, np.float32), np.array(BIAS, np.float32), 1.0, classes)
        features = SurfaceFeatures(FEATURES)
        return IntentClassifier(FakeEncoder(before), features, head, OUTLYINGNESS, threshold=0.6, version="test")

    return make


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The keyless default, with its state in the test's own folder."""
    return Settings(home=tmp_path)


@pytest.fixture
def serving(make_classifier: MakeClassifier) -> Serving:
    """`async with serving(settings) as client`: the running app, with the tiny classifier unless told otherwise."""

    @asynccontextmanager
    async def serve(
        settings: Settings,
        *,
        catalog: Catalog | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        today: date = TODAY,
        without_classifier: bool = False,
        classifier: IntentClassifier | None = None,
        base_url: str = "http://localhost:8000",
    ) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(
            settings,
            catalog=catalog,
            classifier=None if without_classifier else classifier or make_classifier(),
            transport=transport,
            clock=Clock(today=lambda: today),
        )
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url) as client,
        ):
            yield client

    return serve


@pytest.fixture(scope="session")
def png() -> bytes:
    """A real picture of 8 x 8 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "orange").save(file, "PNG")
    return file.getvalue()
