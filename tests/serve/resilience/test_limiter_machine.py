"""The limiter against a simple model: any order of asking, ending, cancelling and waiting, in leaping time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from statistics import median

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from serve.errors import OverloadedError
from serve.limiter import Limiter
from tests.serve.resilience.leaping_time import LeapingLoop, settle

LIMIT, QUEUE = 4, 3
PLACE = st.integers(0, 9)


@dataclass(eq=False)
class Request:
    """One task that wants a slot, and what the model expects of it."""

    weight: int
    deadline: float | None
    task: asyncio.Task[None] | None = None
    since: float = 0.0
    is_inside: bool = False
    is_refused: bool = False


class LimiterMachine(RuleBasedStateMachine):
    """`holding` and `waiting` are the model: two lists and the rule that nobody overtakes."""

    @initialize()
    def begin(self) -> None:
        self.loop = LeapingLoop()
        self.limiter = Limiter(QUEUE, self.loop.time)
        self.limiter.open({"vendor": LIMIT})
        self.holding: list[Request] = []
        self.waiting: list[Request] = []
        self.holds: list[float] = []
        self.count = 0

    # --- the model

    def room(self) -> int:
        return LIMIT - sum(request.weight for request in self.holding)

    def admit(self, at: float) -> None:
        while self.waiting and self.waiting[0].weight <= self.room():
            request = self.waiting.pop(0)
            request.since = at
            self.holding.append(request)

    def is_hopeless(self, request: Request) -> bool:
        if request.deadline is None or len(self.holds) < 5:
            return False
        ahead = sum(other.weight for other in self.waiting)
        rounds = (ahead + request.weight - 1) // LIMIT
        return rounds * median(self.holds[-20:]) >= request.deadline - self.loop.time()

    def leave(self, request: Request) -> None:
        self.holding.remove(request)
        self.holds.append(self.loop.time() - request.since)

    # --- the tasks

    async def want(self, request: Request, weight: int, timeout_s: float | None) -> None:
        try:
            async with self.limiter.slot("vendor", weight, timeout_s):
                request.is_inside = True
                await asyncio.get_running_loop().create_future()
        except OverloadedError:
            request.is_refused = True
        finally:
            request.is_inside = False

    def settle(self) -> None:
        self.loop.run_until_complete(settle())

    def stop(self, request: Request) -> None:
        assert request.task is not None
        request.task.cancel()

    # --- what may happen

    @rule(weight=st.integers(0, 6), timeout=st.sampled_from([None, None, 1.0, 5.0, 30.0]))
    def ask(self, weight: int, timeout: float | None) -> None:
        # No two deadlines are equal: which of two timers fires first is nobody's promise.
        self.count += 1
        timeout_s = None if timeout is None else timeout + self.count / 1000
        deadline = None if timeout_s is None else self.loop.time() + timeout_s
        request = Request(max(1, min(weight, LIMIT)), deadline)
        is_free = not self.waiting and request.weight <= self.room()
        is_refused = not is_free and (len(self.waiting) >= QUEUE or self.is_hopeless(request))
        request.task = self.loop.create_task(self.want(request, weight, timeout_s))
        self.settle()
        assert request.is_refused == is_refused
        if not is_refused:
            self.waiting.append(request)
            self.admit(self.loop.time())

    @precondition(lambda self: self.holding)
    @rule(place=PLACE)
    def end(self, place: int) -> None:
        request = self.holding[place % len(self.holding)]
        self.stop(request)
        self.leave(request)
        self.admit(self.loop.time())
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(place=PLACE)
    def cancel_one_that_waits(self, place: int) -> None:
        request = self.waiting.pop(place % len(self.waiting))
        self.stop(request)
        self.admit(self.loop.time())
        self.settle()

    @precondition(lambda self: self.holding and self.waiting)
    @rule(place=PLACE, steps=st.integers(0, 4))
    def cancel_the_next_around_its_turn(self, place: int, steps: int) -> None:
        """At any step between the end of a holder and the start of the one whose turn it becomes."""
        ended, first = self.holding[place % len(self.holding)], self.waiting[0]
        self.stop(ended)
        self.leave(ended)
        for _ in range(steps):
            # Exactly one turn of the loop: what is ready now, and nothing that becomes ready by it.
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        was_inside = first.is_inside
        self.stop(first)
        self.settle()
        self.admit(self.loop.time())
        if was_inside:
            self.leave(first)
        elif first in self.holding:
            self.holding.remove(first)
        else:
            self.waiting.remove(first)
        self.admit(self.loop.time())

    @rule(seconds=st.sampled_from([0.4, 1.5, 7.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))
        self.settle()
        late = [request for request in self.waiting if request.deadline and request.deadline <= self.loop.time()]
        for request in sorted(late, key=lambda request: request.deadline or 0.0):
            if request in self.waiting:
                self.waiting.remove(request)
                assert request.is_refused
                self.admit(request.deadline or 0.0)

    # --- what always holds

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        state = self.limiter.states()["vendor"]
        assert state.queued == len(self.waiting)
        assert state.in_use == LIMIT - self.room() <= LIMIT
        assert all(request.is_inside for request in self.holding)
        assert not any(request.is_inside for request in self.waiting)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        assert not self.waiting or self.waiting[0].weight > self.room()

    def teardown(self) -> None:
        for request in [*self.waiting, *self.holding]:
            self.stop(request)
        self.settle()
        state = self.limiter.states()["vendor"]
        assert (state.in_use, state.queued) == (0, 0)
        self.loop.close()


TestLimiterMachine = LimiterMachine.TestCase
TestLimiterMachine.settings = settings(max_examples=100, stateful_step_count=30)
