"""Real benches, small ones: through the service's own parts, against the sandbox in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from serve.bench.figures import Sample, figures_of
from serve.bench.plan import Plan
from serve.bench.record import Record, What
from serve.bench.session import Bench, run_bench
from serve.catalog import load_catalog
from serve.clock import Clock
from serve.sandbox.app import Sandbox, create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from serve.settings import Settings
from tests.serve.conftest import TODAY

FOX = "a fox"


async def no_waiting(seconds: float) -> None:
    """A clock whose waits are over at once."""


class Call(httpx.AsyncBaseTransport):
    """The sandbox on the line; `before` runs ahead of each order, not of the fetching of its picture."""

    def __init__(self, sandbox: Sandbox, before: Callable[[], Awaitable[None]]) -> None:
        self._line = httpx.ASGITransport(app=sandbox)
        self._before = before

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            await self._before()
        return await self._line.handle_async_request(request)


class Range:
    """Where a test benches: `home` keeps the store, `sandbox` is who answers, `attempts` of calls for a picture."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.sandbox = create_sandbox()
        self.attempts = 1

    def suffer(self, *rules: FaultRule) -> None:
        """The sandbox has a bad day."""
        self.sandbox = create_sandbox(FaultPlan(rules))

    def bench(
        self, *models: str, prompts: tuple[str, ...] = (FOX,), concurrency: int = 1, runs: int = 1,
        max_cost: float | None = None, before: Callable[[], Awaitable[None]] | None = None,
    ) -> Bench:  # fmt: skip
        """A bench of these models, ready to run."""

        async def nothing() -> None: ...

        return Bench(
            Plan(models, prompts, concurrency, runs, max_cost),
            Settings(home=self.home, attempts=self.attempts),
            load_catalog(),
            Clock(today=lambda: TODAY, sleep=no_waiting),
            Call(self.sandbox, before or nothing),
        )

    async def run(self, bench: Bench) -> Record:
        """Run it to its end."""
        return await run_bench(bench, bench.orders())


@pytest.fixture
def field(tmp_path: Path) -> Range:
    """A range with a home of its own and a sandbox in good health."""
    return Range(tmp_path)


def make_record(*samples: Sample, day: int = 1, what: What | None = None, **changes: object) -> Record:
    """A run of November 2026 that measured these samples."""
    models = tuple(dict.fromkeys(sample.model for sample in samples)) or ("fast",)
    what = what or What(models=models, prompts=1, prompts_sha256="d1" * 32, concurrency=4, runs=5, sandbox=False)
    fields: dict[str, object] = {
        "created": datetime(2026, 11, day, 12, 30, tzinfo=UTC),
        "took_s": 2.5,
        "what": what,
        "versions": {"prompt-intent": "0.1.0"},
        "max_cost": 1.0,
        "estimate_usd": 0.5,
        "ending": "done",
        "models": tuple(figures_of(model, samples) for model in models),
    }
    return Record.model_validate(fields | changes)
