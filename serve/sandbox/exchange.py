"""One call to one vendor, from the first byte to the last: validate, bill, draw, answer, and all that may go wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from serve.sandbox.desk import BLOCKED_WORD, Desk, Easel, Order, RefusedError, Reply
from serve.sandbox.faults import Fault, FaultDice
from serve.sandbox.gallery import Gallery
from serve.sandbox.ledger import Call, Ledger, without_pictures
from serve.sandbox.line import Line


@dataclass(frozen=True, slots=True)
class House:
    """What all desks share."""

    seed: int
    ledger: Ledger
    dice: FaultDice
    gallery: Gallery


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What becomes of an order: its reply (None: the pictures, once drawn) and what the vendor charges."""

    reply: Reply | None
    usd: float

    @property
    def status(self) -> int:
        return 200 if self.reply is None else self.reply.status


class Exchange:
    """An ASGI application for one desk. Not wrapped by a framework, because `Line` needs the server's own `send`."""

    def __init__(self, desk: Desk, house: House) -> None:
        self._desk = desk
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, answered or cut."""
        line = Line(receive, send)
        request = Request(scope, receive)
        early = self._house.dice.before_body(self._desk.provider)
        if early is not None:
            self._house.ledger.record(Call(self._desk.provider, request.url.path, fault=early.name))
            await anyio.sleep(early.latency_s)
            return await line.cut()
        try:
            payload = _decoded(await request.body())
        except ClientDisconnect:
            return None
        try:
            order = self._desk.order(request, payload)
        except RefusedError as refused:
            self._record(request, payload, status=refused.reply.status)
            return await line.send(refused.reply)
        return await self._serve(order, request, payload, line)

    async def _serve(self, order: Order, request: Request, payload: object, line: Line) -> None:
        fault = self._house.dice.after_body(self._desk.provider, order.model)
        verdict = self._verdict(order, fault)
        # Billed before anything can be awaited: a caller that gives up pays for what the vendor took on.
        status = None if fault.effect == "cut_after" else verdict.status
        self._record(request, payload, n=len(order.sketches), status=status, usd=verdict.usd, fault=fault.name)
        reply = verdict.reply or await self._desk.drawn(order, self._easel(request))
        await anyio.sleep(fault.latency_s)
        if fault.effect == "cut_after":
            await line.cut()
        elif fault.effect == "cut_body":
            await line.send_half(reply)
        else:
            await line.send(reply, bytes_per_second=fault.slow_body)

    def _verdict(self, order: Order, fault: Fault) -> _Verdict:
        if fault.status is not None:
            return _Verdict(self._desk.failure(fault.status, fault.retry_after, fault.code), 0.0)
        if fault.effect == "gone":
            return _Verdict(self._desk.gone(order.model), 0.0)
        if fault.effect == "content_block" or BLOCKED_WORD in order.prompt:
            return _Verdict(self._desk.blocked(order), order.usd if self._desk.bills_blocked else 0.0)
        if fault.effect == "empty_200":
            return _Verdict(self._desk.empty(order), 0.0)
        return _Verdict(None, order.usd)

    def _easel(self, request: Request) -> Easel:
        return Easel(self._house.seed, self._house.gallery, str(request.base_url))

    def _record(
        self,
        request: Request,
        payload: object,
        *,
        status: int | None,
        n: int = 0,
        usd: float = 0.0,
        fault: str | None = None,
    ) -> None:
        model = self._desk.model_of(request, payload)
        noted = without_pictures(payload)
        self._house.ledger.record(Call(self._desk.provider, request.url.path, model, n, status, usd, fault, noted))


def _decoded(body: bytes) -> object:
    """The JSON in `body`, or None where there is none that could be written back: no NaN, no lone surrogates."""
    try:
        payload: object = json.loads(body)
        json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return payload
