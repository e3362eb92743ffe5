"""One call to one model: written down, made, its pictures proven, its bill settled, written down again."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from serve.attempt import Attempt
from serve.calling import Answer, Caller
from serve.catalog import Model
from serve.clock import Clock
from serve.cost import estimate_usd, settle_usd
from serve.errors import Billed, ProviderError, ServiceError, StoreError
from serve.fitting import fit
from serve.image_request import ImageRequest, Usage, WireRequest
from serve.pictures import Picture, PictureDesk
from serve.store import AttemptEnd, AttemptStart, Store


@dataclass(frozen=True, slots=True)
class Order:
    """One call to be made: `request.n` pictures of `row` under its logical `name`, in `patience` seconds at most.

    `number` counts the calls of a request.
    """

    request_id: str
    number: int
    request: ImageRequest
    name: str
    row: Model
    patience: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trying came to: its attempts, and either pictures or the last error."""

    attempts: tuple[Attempt, ...] = ()
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ServiceError | None = None

    def then(self, other: Outcome) -> Outcome:
        """This outcome, followed by another try's: the attempts of both, the end of the other."""
        return Outcome(self.attempts + other.attempts, other.pictures, other.warnings, other.error)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a call ended: "ok" or an error's kind, the vendor's status, whether it costs, how much, and what it used."""

    outcome: str
    status: int | None
    billed: Billed
    usd: float
    usage: Usage | None = None


Try = Callable[[Order], Awaitable[Outcome]]


class TryModel:
    """One attempt at one model. Raises nothing that a vendor can cause."""

    def __init__(self, caller: Caller, desk: PictureDesk, store: Store, clock: Clock) -> None:
        self._caller = caller
        self._desk = desk
        self._store = store
        self._clock = clock

    async def __call__(self, order: Order) -> Outcome:
        """Make the call. It stands in the store as sent, and maybe billed, before the vendor hears of it."""
        wire, warnings = fit(order.request, order.row)
        start = self._start(order, wire)
        try:
            await self._store.attempt_sent(start)
        except StoreError as unwritten:
            return Outcome(error=unwritten)
        began = self._clock.monotonic()
        pictures, ending, error = await self._call(order, wire)
        ms = round((self._clock.monotonic() - began) * 1000, 1)
        end = AttemptEnd(ending.outcome, ending.status, ms, ending.billed, ending.usd)
        attempt = Attempt(
            order.name,
            order.row.vendor_model,
            ending.outcome,
            ending.status,
            ms,
            ending.usd,
            ending.billed,
            ending.usage,
        )
        try:
            await self._store.attempt_ended(start.id, end)
        except StoreError as unwritten:
            # In the ledger the attempt stays sent and maybe billed, and nothing is told that is not written down.
            return Outcome((attempt,), error=unwritten)
        return Outcome((attempt,), pictures, warnings if error is None else (), error)

    async def _call(self, order: Order, wire: WireRequest) -> tuple[tuple[Picture, ...], _Ending, ProviderError | None]:
        answer: Answer | None = None
        try:
            answer = await self._caller.draw(order.row, wire, order.patience)
            pictures = await self._desk.prove(answer.images, order.row.provider)
        except ProviderError as error:
            return (), self._failed(order, wire, error, answer.usage if answer else None), error
        return pictures, self._drawn(order, wire, answer), None

    def _start(self, order: Order, wire: WireRequest) -> AttemptStart:
        return AttemptStart(
            id=f"att_{secrets.token_hex(12)}",
            request_id=order.request_id,
            number=order.number,
            model=order.name,
            row=order.row.name,
            vendor_model=order.row.vendor_model,
            provider=order.row.provider,
            sent=self._clock.now(),
            cost_usd=estimate_usd(order.row, wire, self._clock.today()),
        )

    def _drawn(self, order: Order, wire: WireRequest, answer: Answer) -> _Ending:
        # All that were ordered: a vendor may hold one back as unsafe and bill it all the same.
        usd = settle_usd(order.row, wire, answer.usage, wire.n, self._clock.today())
        return _Ending("ok", answer.status, "yes", usd, answer.usage)

    def _failed(self, order: Order, wire: WireRequest, error: ProviderError, usage: Usage | None) -> _Ending:
        usd = 0.0 if error.billed == "no" else settle_usd(order.row, wire, usage, wire.n, self._clock.today())
        return _Ending(error.kind, error.upstream_status, error.billed, usd, usage)
