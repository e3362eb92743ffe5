"""Drawing many prompts: a few at once, in their order, within a ceiling, each under the key it was first sent with.

A prompt that is done is never asked for again; one that failed and cost nothing is tried anew. What may have been
billed without a picture is left alone, unless the rules say `rebill`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from serve.batches.bodies import read_body
from serve.batches.funds import Funds
from serve.batches.gateway import Gateway, Reply
from serve.batches.items import Item
from serve.batches.manifest import Line, Manifest
from serve.batches.picture_files import Target, write_pictures
from serve.batches.plan import BatchRules, Sheet, Verdict, plan_item
from serve.batches.purse import Purse
from serve.clock import Clock
from serve.errors import InvalidRequestError, ServiceError
from serve.schemas import ErrorDetail


@dataclass(slots=True)
class Tally:
    """What came of the prompts of one run.

    Attributes:
        before: done in an earlier run; `missing` of these have lost a file since.
        failed: without a bill; the next run tries them again.
        held: may have been billed without a picture, now or in an earlier run; nobody draws them again unasked.
        left: not reached; `stopped` says why the run ended early.
    """

    done: int = 0
    failed: int = 0
    before: int = 0
    missing: int = 0
    held: int = 0
    left: int = 0
    stopped: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every prompt has its pictures."""
        return not (self.failed or self.held or self.left)


class Watch(Protocol):
    """Who is told how it goes on."""

    def passed_over(self, item: Item, verdict: Verdict) -> None:
        """A prompt needs no request, or gets none."""
        ...

    def settled(self, line: Line, error: ErrorDetail | None, spent: float) -> None:
        """A request has come to its end; `spent` US dollars in all so far."""
        ...


class Batch:
    """One run over the items of one folder. `stop` may be called at any time: what is being drawn is finished first."""

    def __init__(
        self, gateway: Gateway, manifest: Manifest, folder: Path, purse: Purse, rules: BatchRules, clock: Clock,
        watch: Watch,
    ) -> None:  # fmt: skip
        self._gateway = gateway
        self._manifest = manifest
        self._folder = folder
        self._purse = purse
        self._funds = Funds(purse, gateway)
        self._rules = rules
        self._clock = clock
        self._watch = watch
        self._pending: deque[Item] = deque()
        self._turn = asyncio.Condition()
        self.tally = Tally()

    async def run(self, items: Sequence[Item]) -> Tally:
        """Draw what is not drawn yet."""
        # What was on its way when a run ended comes first: its money may be gone already.
        self._pending.extend(sorted(items, key=lambda item: not self._under_way(item)))
        async with asyncio.TaskGroup() as group:
            for _ in range(self._rules.concurrency):
                group.create_task(self._work())
        self.tally.left += len(self._pending)
        return self.tally

    def stop(self, reason: str) -> None:
        """Begin no other prompt."""
        self.tally.stopped = self.tally.stopped or reason

    def _under_way(self, item: Item) -> bool:
        last = self._manifest.last(item)
        return last is not None and last.outcome == "started"

    async def _work(self) -> None:
        while (sheet := await self._next()) is not None:
            await self._draw(sheet)

    async def _next(self) -> Sheet | None:
        """The next item with money held for it; None when there is none, or no more shall begin."""
        async with self._turn:
            while self._pending and self.tally.stopped is None:
                plan = self._plan(self._pending[0])
                if not isinstance(plan, Sheet):
                    self._pass_over(self._pending.popleft(), plan)
                elif (sheet := await self._funded(plan)) is not None:
                    self._pending.popleft()
                    return sheet
            return None

    def _plan(self, item: Item) -> Sheet | Verdict:
        last, key = self._manifest.last(item), secrets.token_hex(16)
        return plan_item(item, last, self._rules, self._clock.now(), key, self._gateway.sandbox)

    async def _funded(self, sheet: Sheet) -> Sheet | None:
        """The sheet, if there is money for it; if not, wait for some of what is held, or stop where none is."""
        try:
            funded = await self._funds.reserve(sheet)
        except ConnectionError as error:
            self.stop(str(error))
            return None
        if funded is None and self._purse.held:
            # What is being drawn may come to less than is held for it.
            await self._turn.wait()
        elif funded is None:
            self.stop("the next prompt could pass the cost ceiling; a higher --max-cost goes on")
        return funded

    def _pass_over(self, item: Item, verdict: Verdict) -> None:
        last = self._manifest.last(item)
        if verdict == "held":
            self.tally.held += 1
        else:
            self.tally.before += 1
            self.tally.missing += not all((self._folder / name).is_file() for name in (last.files if last else ()))
        self._watch.passed_over(item, verdict)

    async def _draw(self, sheet: Sheet) -> None:
        """Ask for the pictures and settle the bill. What is not known to be unspent counts as spent."""
        ended: tuple[Line, ErrorDetail | None] | None = None
        try:
            ended = await self._drawn(sheet)
        except ConnectionError as failure:
            self.stop(str(failure))
        except OSError as failure:
            self.stop(f"{self._folder} cannot be written to ({failure.strerror})")
        await self._settle(sheet, None if ended is None else ended[0])
        if ended is None:
            self.tally.left += 1
            return
        line, error = ended
        self._count(line, error)
        self._watch.settled(line, error, self._purse.spent)

    def _count(self, line: Line, error: ErrorDetail | None) -> None:
        if error is None:
            self.tally.done += 1
        elif line.billed == "no":
            self.tally.failed += 1
        else:
            self.tally.held += 1

    async def _settle(self, sheet: Sheet, line: Line | None) -> None:
        known = line is not None and line.outcome != "started"
        spent = line.cost_usd - sheet.line.cost_usd if line is not None and known else sheet.reserved
        async with self._turn:
            self._purse.settle(sheet.reserved, spent)
            self._turn.notify_all()

    async def _drawn(self, sheet: Sheet) -> tuple[Line, ErrorDetail | None]:
        """The line after the request, still "started" where nobody knows what came of it, and what went wrong."""
        reply = await self._ask(sheet)
        if sheet.resumed and sheet.unpriced is not None:
            return sheet.line, reply.error
        if reply.settled or sheet.line.repeats(reply):
            files = await anyio.to_thread.run_sync(self._write, sheet.item, reply)
            line = sheet.line.ended(reply, files)
        else:
            line = sheet.line.left_open(reply)
        if line != sheet.line:
            await anyio.to_thread.run_sync(self._manifest.append, line)
        return line, reply.error

    async def _ask(self, sheet: Sheet) -> Reply:
        if sheet.unpriced is not None:
            return _unsent(sheet.unpriced)
        try:
            body = read_body(sheet.item.prompt, sheet.item.options, sheet.line.wishes)
        except InvalidRequestError as error:
            return _unsent(error)
        # On the disk before anything is sent: whoever comes after us asks under the same key.
        await anyio.to_thread.run_sync(self._manifest.append, sheet.line)
        return await self._gateway.draw(body, sheet.line.key)

    def _write(self, item: Item, reply: Reply) -> list[Path]:
        if not reply.pictures:
            return []
        return write_pictures(Target(self._folder, item.stem), reply.pictures, force=self._rules.force)


def _unsent(error: ServiceError) -> Reply:
    """What came of a request that did not go out."""
    return Reply(0.0, error=ErrorDetail(message=str(error), type=error.type, param=error.param, code=error.code))
