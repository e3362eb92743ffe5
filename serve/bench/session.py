"""One bench from its plan to its record."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

import httpx

from serve.batches.in_process import in_use
from serve.bench.figures import Sample, figures_of
from serve.bench.interrupt import interruptible
from serve.bench.measure import Tally, measure
from serve.bench.plan import Order, Plan, make_orders
from serve.bench.record import Record, What
from serve.catalog import Catalog
from serve.clock import Clock
from serve.errors import BudgetError, StoreError
from serve.service import open_service
from serve.settings import Settings
from serve.targets import Targets


@dataclass(frozen=True, slots=True)
class Bench:
    """A plan with all that it is run with. `transport` stands in for the network, or for the sandbox."""

    plan: Plan
    settings: Settings
    catalog: Catalog
    clock: Clock = field(default_factory=Clock)
    transport: httpx.AsyncBaseTransport | None = None

    @property
    def targets(self) -> Targets:
        """Who is asked where: the vendors, or the sandbox."""
        return Targets.from_settings(self.settings, self.catalog)

    def orders(self) -> tuple[Order, ...]:
        """The requests in their order, priced.

        Raises:
            InvalidRequestError: a model is not there, cannot be called, or cannot draw one of the prompts.
            BudgetError: the ceiling does not even let the first one through.
        """
        orders = make_orders(self.plan, self.catalog, self.targets.health(), self.clock.today())
        first, ceiling = orders[0], self.plan.max_cost
        if ceiling is not None and first.usd > ceiling:
            message = f"{first.model} alone costs about {first.usd:g} US dollars a request, over max_cost {ceiling:g}"
            raise BudgetError(message)
        return orders


async def run_bench(
    bench: Bench,
    orders: Sequence[Order],
    heard: Callable[[Sample], None] = lambda sample: None,
    stopping: Callable[[], None] = lambda: None,
) -> Record:
    """Make the requests and return what was measured, however it ended. `stopping` is told of the first Ctrl-C.

    Raises:
        StoreError: the store cannot be opened, because a service runs on it for instance.
    """
    tally, stop, began = Tally(heard=heard), asyncio.Event(), bench.clock.monotonic()
    created = datetime.fromtimestamp(bench.clock.now(), UTC)
    try:
        with interruptible(stop, stopping):
            async with open_service(bench.settings, bench.catalog, bench.clock, None, bench.transport) as service:
                with _abandoning():
                    await measure(service, bench.plan, orders, tally, stop)
    except StoreError as error:
        if not in_use(bench.settings.state.database):
            raise
        raise StoreError(
            f"{bench.settings.state.database} is in use: a service, or a batch, runs on this PROMPT_INTENT_HOME. "
            "Stop it first, or bench with PROMPT_INTENT_HOME set to another folder"
        ) from error
    except asyncio.CancelledError:
        # Somebody does not want to wait: keep what there is, and end as if nothing was cancelled.
        tally.ending = "interrupted"
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
    return _record(bench, orders, tally, created, bench.clock.monotonic() - began)


@contextmanager
def _abandoning() -> Iterator[None]:
    """When the block is cancelled, whatever it has started is as well.

    The studio finishes what it began also for callers who have gone, and its service waits for that. Who presses Ctrl-C
    twice wants neither; the store knows these requests as sent, and maybe billed.
    """
    others = asyncio.all_tasks()
    try:
        yield
    except asyncio.CancelledError:
        for task in asyncio.all_tasks() - others:
            task.cancel()
        raise


def _record(bench: Bench, orders: Sequence[Order], tally: Tally, created: datetime, took_s: float) -> Record:
    return Record(
        created=created,
        took_s=round(took_s, 3),
        what=_what(bench),
        versions={
            "prompt-intent": version("prompt-intent"),
            "python": platform.python_version(),
            "httpx": version("httpx"),
        },
        max_cost=bench.plan.max_cost,
        estimate_usd=round(sum(order.usd for order in orders), 6),
        ending=tally.ending,
        left=len(tally.under_way),
        left_usd=round(sum(tally.under_way), 6),
        models=tuple(figures_of(model, tally.samples) for model in bench.plan.models),
    )


def _what(bench: Bench) -> What:
    plan, targets = bench.plan, bench.targets
    asked = {bench.catalog.models[model].provider for model in plan.models}
    return What(
        models=plan.models,
        prompts=len(plan.prompts),
        prompts_sha256=plan.prompts_sha256,
        concurrency=plan.concurrency,
        runs=plan.runs,
        sandbox=targets.sandbox,
        own_hosts=() if targets.sandbox else tuple(sorted(asked & targets.health().overridden)),
    )
