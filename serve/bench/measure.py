"""Asking: so many requests at once, until all are answered, the money is gone, or somebody stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio.to_thread

from serve.answers import KeptAnswer
from serve.bench.figures import Sample
from serve.bench.plan import Order, Plan
from serve.constraints import Wishes
from serve.deadline import Bill
from serve.errors import NotFoundError, ServiceError
from serve.image_request import ImageRequest
from serve.image_store import ImageStore
from serve.job import Job
from serve.service import Service

CALLER = "bench"
"""The caller of its requests in the store."""

Ending = Literal["done", "interrupted", "max_cost"]


@dataclass(slots=True)
class Tally:
    """What was measured so far: true at any moment, so that whoever is stopped loses nothing.

    Attributes:
        under_way: estimates, in US dollars, of the requests that have begun and not ended.
        heard: is told of each sample.
    """

    samples: list[Sample] = field(default_factory=list)
    under_way: list[float] = field(default_factory=list)
    ending: Ending = "done"
    heard: Callable[[Sample], None] = lambda sample: None


async def measure(service: Service, plan: Plan, orders: Sequence[Order], tally: Tally, stop: asyncio.Event) -> None:
    """Make the requests, `plan.concurrency` at once, and write each down in `tally` as it ends.

    No request begins after `stop` is set, or when the bills so far, the estimates of what is under way and its own
    would pass `plan.max_cost`. Those that have begun are waited for. With a ceiling, no request may call for more than
    its estimate, retries included. What a vendor bills by tokens is known afterwards only: it may come to more than the
    estimate, and counts before the next request begins.
    """
    floor = _Floor(service, plan, iter(orders), tally, stop)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(plan.concurrency, len(orders))):
            group.create_task(floor.work())


class _Floor:
    """Workers who take the next order from one pile."""

    def __init__(
        self, service: Service, plan: Plan, orders: Iterator[Order], tally: Tally, stop: asyncio.Event
    ) -> None:
        self._service = service
        self._bill = Bill(plan.max_cost)
        self._capped = plan.max_cost is not None
        self._orders = orders
        self._tally = tally
        self._stop = stop

    async def work(self) -> None:
        for order in self._orders:
            if self._tally.ending == "done":
                self._tally.ending = self._may_begin(order)
            if self._tally.ending != "done":
                return
            self._tally.under_way.append(order.usd)
            sample = await self._ask(order)
            self._tally.under_way.remove(order.usd)
            self._bill.settle(order.usd, sample.usd)
            self._tally.samples.append(sample)
            self._tally.heard(sample)

    def _may_begin(self, order: Order) -> Ending:
        if self._stop.is_set():
            return "interrupted"
        return "done" if self._bill.reserve(order.usd) else "max_cost"

    async def _ask(self, order: Order) -> Sample:
        wishes = Wishes(max_cost=order.usd if self._capped else None)
        job = Job(ImageRequest(order.prompt), caller=CALLER, model=order.model, wishes=wishes)
        monotonic = self._service.clock.monotonic
        began = monotonic()
        try:
            answer = await self._service.studio.answer(job)
        except ServiceError as error:
            return Sample(order.model, _ms(began, monotonic()), cause=error.code)
        ms = _ms(began, monotonic())
        size = await anyio.to_thread.run_sync(_size, answer, self._service.images)
        return _sample(order.model, ms, answer, size)


def _ms(began: float, ended: float) -> float:
    return round((ended - began) * 1000, 1)


def _size(answer: KeptAnswer, images: ImageStore) -> int:
    try:
        return sum(images.find(image.id).path.stat().st_size for image in answer.images)
    except (NotFoundError, OSError):  # somebody tidies the folder meanwhile
        return 0


def _sample(model: str, ms: float, answer: KeptAnswer, size: int) -> Sample:
    calls = answer.routing.attempts
    return Sample(
        model=model,
        ms=ms,
        cause=_cause(answer),
        called=calls[-1].vendor_model if calls else None,
        calls=len(calls),
        call_ms=tuple(call.ms for call in calls if call.outcome == "ok"),
        settled_usd=sum(call.cost_usd for call in calls if call.billed == "yes"),
        possible_usd=sum(call.cost_usd for call in calls if call.billed == "unknown"),
        pictures=len(answer.images),
        bytes=size,
        notes=tuple(answer.routing.warnings),
    )


def _cause(answer: KeptAnswer) -> str | None:
    """In the words of `GET /v1/stats`, which counts calls by their outcome."""
    if answer.error is None:
        return None
    failures = [call.outcome for call in answer.routing.attempts if call.outcome != "ok"]
    return failures[-1] if failures else answer.error.detail.code or "internal_error"
