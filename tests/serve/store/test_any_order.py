"""Whatever happens in whatever order, restarts among it: the store answers as a few dictionaries would."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, precondition, rule

from serve.errors import StoreError
from serve.store import Claim, Done, Fresh, Lost, Mismatch, Running, Store
from tests.serve.store.conftest import DAY, NOW, Life, image


@dataclass
class Request:
    """What the model knows of a request; `bills` by attempt, None while it is under way."""

    state: str = "claimed"
    answer: str | None = None
    bills: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Key:
    """Whose a key is, for which body, and until when."""

    fingerprint: str
    request_id: str
    expires: float


class Model:
    """The store's promises about keys, in memory."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}
        self.keys: dict[str, Key] = {}

    def claim(self, key: str, fingerprint: str, request_id: str, now: float) -> Claim:
        held = self.keys.get(key)
        if held is None or (held.expires <= now and self.requests[held.request_id].state != "running"):
            self.keys[key] = Key(fingerprint, request_id, now + DAY)
            return Fresh()
        if held.fingerprint != fingerprint:
            return Mismatch()
        request = self.requests[held.request_id]
        match request.state:
            case "done" | "failed":
                return Done(200 if request.state == "done" else 500, request.answer, held.request_id)
            case "lost":
                return Lost(held.request_id, any(bill != "no" for bill in request.bills.values()))
            case _:
                return Running(held.request_id)

    def recover(self, now: float) -> int:
        running = [request for request in self.requests.values() if request.state == "running"]
        for request in running:
            request.state = "lost"
        self.keys = {
            name: key
            for name, key in self.keys.items()
            if self.requests[key.request_id].state != "claimed" and key.expires > now
        }
        return len(running)


KEYS = st.sampled_from(["a", "a", "a", "b"])
MOSTLY = st.sampled_from([True, True, True, False])


class StoreMachine(RuleBasedStateMachine):
    """Every rule does the same to a real store and to the model, and compares what they say."""

    ids = Bundle("ids")
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.now = NOW
        self.count = 0
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.closing = AsyncExitStack()
        self._open()

    def _open(self) -> None:
        store = Store.open(Path(self.folder.name) / "gateway.db")
        self.store = self.runner.run(self.closing.enter_async_context(store))
        self.life = Life(self.store)

    def _try(self, awaitable: Any, allowed: bool) -> None:
        if allowed:
            self.runner.run(awaitable)
        else:
            with pytest.raises(StoreError):
                self.runner.run(awaitable)

    @rule(target=ids, key=KEYS, fingerprint=st.sampled_from(["one", "one", "one", "two"]), begins=MOSTLY)
    def claim(self, key: str, fingerprint: str, begins: bool) -> Any:
        self.count += 1
        request_id = f"r{self.count}"
        self.model.requests[request_id] = Request()
        told = self.runner.run(self.life.claim(key, request_id, fingerprint, self.now))
        assert told == self.model.claim(key, fingerprint, request_id, self.now)
        if told != Fresh():
            # Who does not get the key does not begin.
            return multiple()
        if begins:
            self.begin(request_id)
        return request_id

    @rule(request_id=ids)
    def begin_late_or_twice(self, request_id: str) -> None:
        self.begin(request_id)

    def begin(self, request_id: str) -> None:
        request = self.model.requests[request_id]
        self._try(self.life.begin(request_id, intent="preview"), request.state == "claimed")
        if request.state == "claimed":
            request.state = "running"

    @rule(target=attempts, request_id=ids)
    def send(self, request_id: str) -> tuple[str, str]:
        request = self.model.requests[request_id]
        number = len(request.bills)
        attempt_id = f"{request_id}/{number}"
        self._try(self.life.send(request_id, number), request.state != "claimed")
        if request.state != "claimed":
            request.bills[attempt_id] = None
        return request_id, attempt_id

    @rule(attempt=attempts, billed=st.sampled_from(["yes", "no", "unknown"]))
    def end_attempt(self, attempt: tuple[str, str], billed: str) -> None:
        request_id, attempt_id = attempt
        bills = self.model.requests[request_id].bills
        under_way = attempt_id in bills and bills[attempt_id] is None
        self._try(self.life.end(attempt_id, billed), under_way)
        if under_way:
            bills[attempt_id] = billed

    @rule(request_id=ids, failed=st.booleans(), forget=st.booleans())
    def finish(self, request_id: str, failed: bool, forget: bool) -> None:
        request = self.model.requests[request_id]
        running = request.state == "running"
        self.count += 1
        answer = f"answer {self.count}"
        end = {"http_status": 500, "error_code": "upstream_error"} if failed else {}
        images = (image(f"i{self.count}", request_id),)
        self._try(self.life.finish(request_id, answer=answer, images=images, forget_key=forget, **end), running)
        found = self.runner.run(self.store.image(f"i{self.count}"))
        assert found == (images[0] if running else None)
        if running:
            request.state, request.answer = ("failed" if failed else "done"), answer
            if forget:
                self.model.keys = {n: k for n, k in self.model.keys.items() if k.request_id != request_id}

    @rule(key=KEYS, request_id=ids)
    def release(self, key: str, request_id: str) -> None:
        held = self.model.keys.get(key)
        mine = held is not None and held.request_id == request_id
        assert self.runner.run(self.store.release(key, "caller", request_id)) is mine
        if mine:
            del self.model.keys[key]

    @rule(hours=st.sampled_from([1, 23, 25]))
    def wait(self, hours: int) -> None:
        self.now += hours * 3600

    @rule()
    def restart(self) -> None:
        self.runner.run(self.closing.aclose())
        self._open()
        lost = self.runner.run(self.store.recover(self.now))
        assert lost == self.model.recover(self.now)
        for request in self.model.requests.values():
            request.bills = {name: bill or "unknown" for name, bill in request.bills.items()}

    @precondition(lambda self: self.count > 3)
    @rule()
    def the_ledger_agrees(self) -> None:
        entries = self.runner.run(self.store.ledger(1000))
        bills = {name: bill for request in self.model.requests.values() for name, bill in request.bills.items()}
        assert {entry.id: entry.billed for entry in entries} == {n: bill or "unknown" for n, bill in bills.items()}
        assert {entry.id for entry in entries if entry.outcome == "sent"} == {n for n, b in bills.items() if b is None}

    def teardown(self) -> None:
        self.the_ledger_agrees()
        self.runner.run(self.closing.aclose())
        self.runner.close()
        self.folder.cleanup()


StoreMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=40)
TestAnyOrder = StoreMachine.TestCase
