"""The breakers against a simple model: any order of calls, verdicts and waits, many calls at once, two rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from serve.breaker import Breakers, BreakerSettings

ROWS = st.sampled_from(["a", "b"])
SETTINGS = BreakerSettings(consecutive=3, last=6, least=4, share=0.5, cool_down_s=30, longest_s=100)


@dataclass
class Model:
    """One row's breaker, told with the whole history instead of counters."""

    history: list[str] = field(default_factory=list)  # F and S since it last closed
    openings: list[float] = field(default_factory=list)  # since it last closed; every one after the first is a probe's
    probe_out: bool = False
    failed_beside_probe: bool = False
    running: list[str] = field(default_factory=list)  # "call" or "probe"

    def state(self, now: float) -> str:
        if not self.openings:
            return "closed"
        cool_down = min(30 * 2 ** (len(self.openings) - 1), 100)
        return "open" if now < self.openings[-1] + cool_down else "half_open"

    def allows(self, now: float) -> bool:
        return self.state(now) == "closed" or (self.state(now) == "half_open" and not self.probe_out)

    def start(self, now: float) -> None:
        self.probe_out = self.state(now) == "half_open"
        self.running.append("probe" if self.probe_out else "call")

    def end(self, which: int, verdict: str, now: float, beside: int) -> None:
        self.running.pop(which)
        if self.probe_out:
            self.end_beside_probe(verdict, now)
        elif not self.openings and verdict != "R":
            self.history.append(verdict)
            if verdict == "F" and self.is_failing(beside):
                self.openings = [now]

    def end_beside_probe(self, verdict: str, now: float) -> None:
        if verdict == "S":
            self.history, self.openings, self.probe_out, self.failed_beside_probe = [], [], False, False
            self.running = ["call"] * len(self.running)
            return
        self.failed_beside_probe = self.failed_beside_probe or verdict == "F"
        if not self.running:
            self.openings += [now] if self.failed_beside_probe else []
            self.probe_out = self.failed_beside_probe = False

    def is_failing(self, beside: int) -> bool:
        row = 3 + beside
        recent = self.history[-6 - 4 * beside :]
        return self.history[-row:] == ["F"] * row or (
            len(recent) >= 4 + 4 * beside and recent.count("F") * 2 >= len(recent)
        )


class BreakerMachine(RuleBasedStateMachine):
    """Calls start and end in any order; the breaker must say what the model says."""

    @initialize()
    def begin(self) -> None:
        self.now = 0.0
        self.breakers = Breakers(SETTINGS, lambda: self.now)
        self.models = {"a": Model(), "b": Model()}

    @rule(row=ROWS)
    def call(self, row: str) -> None:
        model = self.models[row]
        allowed = self.breakers.allow(row)
        assert allowed == model.allows(self.now)
        if allowed:
            model.start(self.now)

    @rule(row=ROWS, verdict=st.sampled_from("FFFSR"), which=st.integers(0, 9), beside=st.sampled_from([0, 0, 2]))
    def end(self, row: str, verdict: str, which: int, beside: int = 0) -> None:
        running = self.models[row].running
        if running:
            fail = partial(self.breakers.fail, beside=beside)
            {"F": fail, "S": self.breakers.succeed, "R": self.breakers.release}[verdict](row)
            self.models[row].end(which % len(running), verdict, self.now, beside)

    @rule(row=ROWS, count=st.integers(1, 4), verdict=st.sampled_from("FS"))
    def call_and_end(self, row: str, count: int, verdict: str) -> None:
        for _ in range(count):
            if self.models[row].allows(self.now):
                self.call(row)
                self.end(row, verdict, -1)

    @rule(seconds=st.sampled_from([1, 29, 30, 60, 100]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def the_visible_state_is_the_models(self) -> None:
        states = self.breakers.states()
        for row, model in self.models.items():
            if row in states:
                assert states[row].state == model.state(self.now)
                assert states[row].failures == model.history[-6:].count("F")
        refused = {row for row, model in self.models.items() if not model.allows(self.now)}
        assert self.breakers.open_rows() == refused

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        for model in self.models.values():
            assert model.running.count("probe") <= 1


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
