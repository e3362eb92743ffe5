"""The breaker's rules, one by one; test_breaker_machine.py holds them against a model."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from serve.breaker import Breakers, BreakerSettings, BreakerState
from serve.errors import SettingsError


@dataclass
class FakeClock:
    """A clock that stands still unless told otherwise."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    """Seconds, moved by the test."""
    return FakeClock()


@pytest.fixture
def breakers(clock: FakeClock) -> Breakers:
    """The shipped settings."""
    return Breakers(BreakerSettings(), clock)


def call(breakers: Breakers, verdicts: str, row: str = "row") -> None:
    """One call after the other: F fails, S succeeds, R is released."""
    for verdict in verdicts:
        assert breakers.allow(row), "the breaker is open"
        {"F": breakers.fail, "S": breakers.succeed, "R": breakers.release}[verdict](row)


def test_four_failures_in_a_row_leave_it_closed(breakers: Breakers) -> None:
    """One success starts the count anew."""
    call(breakers, "FFFF" + "S" + "FFFF")
    assert breakers.allow("row")


def test_five_failures_in_a_row_open_it(breakers: Breakers) -> None:
    """The fifth takes the row out at once, and only that row."""
    call(breakers, "FFFFF")
    assert not breakers.allow("row")
    assert breakers.allow("another")
    assert breakers.open_rows() == {"row"}


def test_fifty_nine_verdicts_are_too_few_for_a_share(breakers: Breakers) -> None:
    """Two of three calls fail, never five in a row: closed until there are sixty."""
    call(breakers, "FFS" * 19 + "FF")
    assert breakers.open_rows() == frozenset()
    call(breakers, "F")
    assert breakers.open_rows() == {"row"}


def test_half_of_the_calls_failing_opens_it(breakers: Breakers) -> None:
    """Every second call fails: open with the sixtieth."""
    call(breakers, "SF" * 29 + "S")
    assert breakers.open_rows() == frozenset()
    call(breakers, "F")
    assert breakers.open_rows() == {"row"}


def test_only_the_last_hundred_verdicts_count(breakers: Breakers) -> None:
    """A long good past does not excuse the last hundred, of which fifty failed."""
    call(breakers, "S" * 500 + "SF" * 49 + "S")
    assert breakers.open_rows() == frozenset()
    call(breakers, "F")
    assert breakers.open_rows() == {"row"}


def test_a_success_never_opens_it(breakers: Breakers) -> None:
    """A model that has just answered stays on the route, whatever its share."""
    call(breakers, "FFFFS" * 12)
    assert breakers.open_rows() == frozenset()


def test_released_calls_say_nothing(breakers: Breakers) -> None:
    """A hundred content blocks leave the breaker untouched, and the failures around them in a row."""
    call(breakers, "FFFF" + "R" * 100)
    assert breakers.open_rows() == frozenset()
    call(breakers, "F")
    assert breakers.open_rows() == {"row"}


def crowded(breakers: Breakers, verdicts: str, beside: int) -> None:
    """The calls, with so many others under way all the time."""
    for verdict in verdicts:
        assert breakers.allow("row"), "the breaker is open"
        breakers.fail("row", beside) if verdict == "F" else breakers.succeed("row")


def test_beside_other_calls_failures_in_a_row_have_to_outnumber_them(breakers: Breakers) -> None:
    """Refusals come before pictures do: with twelve under way the seventeenth opens."""
    crowded(breakers, "F" * 16, beside=12)
    assert breakers.open_rows() == frozenset()
    crowded(breakers, "F", beside=12)
    assert breakers.open_rows() == {"row"}


@pytest.mark.parametrize(("beside", "verdicts"), [(0, 60), (5, 80), (20, 140), (40, 220), (500, 220)])
def test_beside_other_calls_a_share_is_of_more_verdicts(beside: int, verdicts: int, breakers: Breakers) -> None:
    """Half of sixty are enough for calls one after the other; each under way asks for four more, up to forty times."""
    crowded(breakers, "SF" * (verdicts // 2 - 1) + "S", beside)
    assert breakers.open_rows() == frozenset()
    crowded(breakers, "F", beside)
    assert breakers.open_rows() == {"row"}


def test_the_cool_down_is_thirty_seconds(breakers: Breakers, clock: FakeClock) -> None:
    """Closed to calls just before, open to one after."""
    call(breakers, "FFFFF")
    clock.now += 29.999
    assert not breakers.allow("row")
    clock.now += 0.001
    assert breakers.allow("row")


def test_exactly_one_probe_passes(breakers: Breakers, clock: FakeClock) -> None:
    """Of fifty at once, one; its success lets all pass again."""
    call(breakers, "FFFFF")
    clock.now += 30
    assert breakers.open_rows() == frozenset()
    assert [breakers.allow("row") for _ in range(50)] == [True] + [False] * 49
    assert breakers.open_rows() == {"row"}
    breakers.succeed("row")
    assert all(breakers.allow("row") for _ in range(50))


def test_failing_probes_double_the_cool_down_up_to_ten_minutes(breakers: Breakers, clock: FakeClock) -> None:
    """30, 60, 120, 240, 480, 600, 600; after a success 30 again."""
    call(breakers, "FFFFF")
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        clock.now += seconds - 0.5
        assert not breakers.allow("row"), seconds
        clock.now += 0.5
        call(breakers, "F")
    clock.now += 600
    call(breakers, "S" + "FFFFF")
    clock.now += 30
    assert breakers.allow("row")


def test_a_released_probe_makes_room_for_the_next(breakers: Breakers, clock: FakeClock) -> None:
    """A probe that ended in a content block decides nothing and costs no further wait."""
    call(breakers, "FFFFF")
    clock.now += 30
    call(breakers, "RR")
    assert breakers.allow("row")
    assert not breakers.allow("row")


def test_the_past_is_forgotten_when_it_closes(breakers: Breakers, clock: FakeClock) -> None:
    """After a good probe, old failures do not open it at the first new one."""
    call(breakers, "SF" * 30)
    clock.now += 30
    call(breakers, "S" + "FFFF")
    assert breakers.open_rows() == frozenset()


def test_late_failures_of_old_calls_do_not_prolong_it(breakers: Breakers, clock: FakeClock) -> None:
    """Calls that were under way when it opened fail during the cool-down: it stays thirty seconds."""
    assert all(breakers.allow("row") for _ in range(20))
    for _ in range(5):
        breakers.fail("row")
    clock.now += 20
    for _ in range(15):
        breakers.fail("row")
    clock.now += 10
    assert breakers.allow("row")


def test_an_old_call_that_fails_beside_the_probe_does_not_decide(breakers: Breakers, clock: FakeClock) -> None:
    """The probe's answer closes the breaker, though a call from before the opening failed meanwhile."""
    assert all(breakers.allow("row") for _ in range(6))
    for _ in range(5):
        breakers.fail("row")
    clock.now += 30
    assert breakers.allow("row")
    breakers.fail("row")
    assert not breakers.allow("row")
    breakers.succeed("row")
    assert breakers.allow("row")


def test_a_doubt_ends_with_the_answer(breakers: Breakers, clock: FakeClock) -> None:
    """A failure beside an answered probe is not held against the probe of a later opening."""
    assert all(breakers.allow("row") for _ in range(6))
    for _ in range(5):
        breakers.fail("row")
    clock.now += 30
    assert breakers.allow("row")
    breakers.fail("row")
    breakers.succeed("row")
    call(breakers, "FFFFF")
    clock.now += 30
    call(breakers, "RR")


def test_a_failure_beside_old_calls_counts_when_all_have_ended(breakers: Breakers, clock: FakeClock) -> None:
    """Nobody can tell whose it was, so the breaker waits for the rest, then opens again for twice as long."""
    assert all(breakers.allow("row") for _ in range(6))
    for _ in range(5):
        breakers.fail("row")
    clock.now += 30
    assert breakers.allow("row")
    breakers.fail("row")
    breakers.release("row")
    assert not breakers.allow("row")
    clock.now += 60
    assert breakers.allow("row")


def test_the_state_is_visible(breakers: Breakers, clock: FakeClock) -> None:
    """Closed, open and half-open, with the failures and the times behind them."""
    call(breakers, "SF")
    assert breakers.states() == {"row": BreakerState("closed", 1, 2, 0.0, 0.0)}
    call(breakers, "FFFF")
    clock.now += 10
    assert breakers.states() == {"row": BreakerState("open", 5, 6, 10.0, 20.0)}
    clock.now += 25
    assert breakers.states() == {"row": BreakerState("half_open", 5, 6, 35.0, 0.0)}
    call(breakers, "S")
    assert breakers.states() == {"row": BreakerState("closed", 0, 0, 0.0, 0.0)}


def test_looking_creates_nothing(breakers: Breakers) -> None:
    """Only rows that were asked about have a state."""
    breakers.open_rows()
    assert breakers.states() == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"consecutive": 0},
        {"least": 0},
        {"least": 101},
        {"share": 0.0},
        {"share": 1.5},
        {"cool_down_s": 0.0},
        {"cool_down_s": float("nan")},
        {"longest_s": 10.0},
    ],
)
def test_settings_without_sense_are_refused(wrong: dict[str, float]) -> None:
    """A breaker that never opens or never closes is a mistake, told at start-up."""
    with pytest.raises(SettingsError, match="breaker: expected"):
        BreakerSettings(**wrong)
