"""One call to one model: built, written down, made, its pictures proven, its bill settled, written down again."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from serve.attempt import Attempt
from serve.calling import Answer, Call, Caller
from serve.catalog import Model
from serve.clock import Clock
from serve.cost import settle_usd
from serve.deadline import GRACE_S
from serve.errors import Billed, DeadlineError, ProviderError, ServiceError, StoreError
from serve.image_request import Usage, WireRequest
from serve.pictures import Picture, PictureDesk
from serve.store import AttemptEnd, AttemptStart, LateEnd, Store


@dataclass(frozen=True, slots=True)
class Order:
    """One call to be made: `wire.n` pictures of `row` under its logical `name`, for about `usd` US dollars.

    `warnings` say which wishes `row` cannot meet, `sole` that it draws all that the request wants. Once it is let
    through, `number` counts the calls of a request and `patience` are the most seconds that it may take.
    """

    request_id: str
    wire: WireRequest
    warnings: tuple[str, ...]
    usd: float
    name: str
    row: Model
    sole: bool
    number: int = 0
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trying came to: its attempts, and either pictures or the last error.

    `late_ends` are those of its attempts that are not written down yet.
    """

    attempts: tuple[Attempt, ...] = ()
    pictures: tuple[Picture, ...] = ()
    warnings: tuple[str, ...] = ()
    error: ServiceError | None = None
    late_ends: tuple[LateEnd, ...] = ()

    def then(self, other: Outcome) -> Outcome:
        """This outcome, followed by another try's: the attempts of both, the end of the other."""
        attempts, late_ends = self.attempts + other.attempts, self.late_ends + other.late_ends
        return Outcome(attempts, other.pictures, other.warnings, other.error, late_ends)


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

    def __init__(self, caller: Caller, desk: PictureDesk, store: Store, clock: Clock, grace_s: float = GRACE_S) -> None:
        self._caller = caller
        self._desk = desk
        self._store = store
        self._clock = clock
        self._grace_s = grace_s

    async def __call__(self, order: Order) -> Outcome:
        """Make the call. It stands in the store as sent, and maybe billed, before the vendor hears of it."""
        call = self._caller.prepare(order.row, order.wire)
        start = self._start(order)
        try:
            await self._store.attempt_sent(start)
        except StoreError as unwritten:
            return Outcome(error=unwritten)
        began = self._clock.monotonic()
        try:
            pictures, ending, error = await self._call(order, call)
        except Exception:
            await self._crashed(start, call, self._ms_since(began))
            raise
        ms = self._ms_since(began)
        attempt = _attempt(order, ending, ms)
        end = AttemptEnd(ending.outcome, ending.status, ms, ending.billed, ending.usd)
        warnings = order.warnings if error is None else ()
        late = Outcome((attempt,), pictures, warnings, error, late_ends=((start.id, end),))
        # If this was all, nobody is asked after it, and the request's end comes at once.
        return late if error is None and order.sole else await self._ended(late)

    async def _call(self, order: Order, call: Call) -> tuple[tuple[Picture, ...], _Ending, ServiceError | None]:
        ends = self._clock.monotonic() + order.patience
        try:
            answer = await self._caller.send(call, order.patience)
            # The pictures are paid for: they are fetched for a while longer than their caller would wait.
            left = max(0.0, ends - self._clock.monotonic())
            pictures = await self._desk.prove(answer.images, order.row.provider, left + self._grace_s)
        except ProviderError as error:
            return (), self._failed(order, error, call.usage), error
        except DeadlineError as error:
            return (), _Ending(error.code, None, "no", 0.0), error
        return pictures, self._drawn(order, answer), None

    async def _ended(self, late: Outcome) -> Outcome:
        """The outcome with its end written down; where it cannot be, as it is: that leaves it to the request's end."""
        try:
            await self._store.attempt_ended(*late.late_ends[0])
        except StoreError as unwritten:
            # What is drawn is paid for, and still an answer. After a failure somebody else might be asked, and a bill
            # be added to one that is not in the books: this error forbids it.
            return late if late.error is None else replace(late, error=unwritten)
        return replace(late, late_ends=())

    async def _crashed(self, start: AttemptStart, call: Call, ms: float) -> None:
        """A mistake of ours, which is raised: the books are told, if they can be, and what it may have cost."""
        billed: Billed = "unknown" if call.passage.may_have_left else "no"
        with suppress(StoreError):
            usd = 0.0 if billed == "no" else start.cost_usd
            await self._store.attempt_ended(start.id, AttemptEnd("crash", None, ms, billed, usd))

    def _ms_since(self, began: float) -> float:
        return round((self._clock.monotonic() - began) * 1000, 1)

    def _start(self, order: Order) -> AttemptStart:
        return AttemptStart(
            id=f"att_{secrets.token_hex(12)}",
            request_id=order.request_id,
            number=order.number,
            model=order.name,
            row=order.row.name,
            vendor_model=order.row.vendor_model,
            provider=order.row.provider,
            sent=self._clock.now(),
            cost_usd=order.usd,
        )

    def _drawn(self, order: Order, answer: Answer) -> _Ending:
        # All that were ordered: a vendor may hold one back as unsafe and bill it all the same.
        usd = settle_usd(order.row, order.wire, answer.usage, order.wire.n, self._clock.today())
        return _Ending("ok", answer.status, "yes", usd, answer.usage)

    def _failed(self, order: Order, error: ProviderError, usage: Usage | None) -> _Ending:
        usd = 0.0
        if error.billed != "no":
            usd = settle_usd(order.row, order.wire, usage, order.wire.n, self._clock.today())
        return _Ending(error.kind, error.upstream_status, error.billed, usd, usage)


def _attempt(order: Order, ending: _Ending, ms: float) -> Attempt:
    return Attempt(
        order.name,
        order.row.vendor_model,
        ending.outcome,
        ending.status,
        ms,
        ending.usd,
        ending.billed,
        ending.usage,
    )
