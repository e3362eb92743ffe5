"""When the same model is asked again, and how many extra calls there may be: for every input, not for examples."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.errors import SettingsError
from serve.retry import RetryBudget, RetryRule

TIMES = st.floats(min_value=0, max_value=1e6)
RULES = st.builds(RetryRule, st.integers(1, 10_000), TIMES, TIMES, TIMES)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)
FAILURES = st.integers(1, 10_000)


@given(rule=RULES, failures=FAILURES, chance=CHANCES)
def test_a_wait_lies_between_nothing_and_the_cap(rule: RetryRule, failures: int, chance: float) -> None:
    """However many failures; None exactly when the attempts are used up."""
    wait = rule.delay(failures, None, lambda: chance)
    if failures >= rule.attempts:
        assert wait is None
    else:
        assert wait is not None
        assert 0 <= wait <= rule.cap_s


@given(seed=st.integers(), failures=st.integers(1, 9))
def test_waits_differ(seed: int, failures: int) -> None:
    """Callers who failed together do not come back together."""
    rule, dice = RetryRule(attempts=10), Random(seed)
    waits = {rule.delay(failures, None, dice.random) for _ in range(20)}
    assert len(waits) == 20


def test_the_longest_wait_doubles_up_to_the_cap() -> None:
    """0.5, 1, 2, 4, 8 and 8 seconds at most."""
    rule = RetryRule(attempts=10)
    waits = [rule.delay(failures, None, lambda: 1 - 1e-12) for failures in range(1, 7)]
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 8])


@given(rule=RULES, failures=FAILURES, chance=CHANCES, asked=st.floats(min_value=0, max_value=1e9))
def test_the_vendors_wait_is_honoured_up_to_its_cap(
    rule: RetryRule, failures: int, chance: float, asked: float
) -> None:
    """Never back before the vendor said, not long after it, and not at all beyond the cap."""
    wait = rule.delay(failures, asked, lambda: chance)
    if failures >= rule.attempts or asked > rule.retry_after_cap_s:
        assert wait is None
    else:
        assert wait is not None
        assert asked <= wait <= min(asked + rule.cap_s, max(rule.cap_s, rule.retry_after_cap_s))


@given(asked=st.floats(max_value=0), chance=CHANCES)
def test_a_wait_that_has_passed_means_now(asked: float, chance: float) -> None:
    """Negative and zero both leave only the jitter: zero is not "unstated", and nobody sleeps a negative time."""
    rule = RetryRule()
    assert rule.delay(1, asked, lambda: chance) == rule.delay(1, 0.0, lambda: chance) == chance * rule.base_s


@pytest.mark.parametrize("asked", [20.001, 1e9, math.inf, math.nan])
def test_a_wait_beyond_the_cap_is_no_wait(asked: float) -> None:
    """Huge, endless or no number: another model answers instead."""
    assert RetryRule().delay(1, asked, lambda: 0.5) is None


def test_those_told_the_same_wait_do_not_come_back_at_once() -> None:
    """Jitter comes on top of the vendor's wait."""
    dice = Random(1)
    assert len({RetryRule().delay(1, 5.0, dice.random) for _ in range(20)}) == 20


def test_three_attempts_are_two_retries() -> None:
    """The first call counts."""
    waits = [RetryRule().delay(failures, None, lambda: 0.5) for failures in (1, 2, 3)]
    assert waits == [0.25, 0.5, None]


@given(
    ratio=st.floats(min_value=0, max_value=3),
    burst=st.integers(0, 20),
    sequence=st.lists(st.booleans(), max_size=300),
)
def test_withdrawals_never_exceed_the_ratio_and_the_burst(ratio: float, burst: int, sequence: list[bool]) -> None:
    """At every moment of every sequence of deposits (True) and withdrawals (False)."""
    budget, deposits, withdrawals = RetryBudget(ratio, burst), 0, 0
    for is_deposit in sequence:
        if is_deposit:
            budget.deposit()
            deposits += 1
        else:
            withdrawals += budget.withdraw()
        assert withdrawals <= ratio * deposits + burst


@given(ratio=st.floats(min_value=0, max_value=3), burst=st.integers(1, 20), quiet=st.integers(0, 1000))
def test_a_quiet_time_saves_up_no_storm(ratio: float, burst: int, quiet: int) -> None:
    """However much was deposited, `burst` extra calls at most follow without a further deposit."""
    budget = RetryBudget(ratio, burst)
    for _ in range(quiet):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(100)) == burst


def test_a_tenth_of_the_calls_may_be_extra() -> None:
    """By default: ten for a start, then one for every ten first calls; the first deposit finds the purse full."""
    budget = RetryBudget()
    taken = 0
    for _ in range(1000):
        budget.deposit()
        taken += budget.withdraw()
    assert taken == 10 + 999 // 10


def test_no_ratio_and_no_burst_means_no_extra_call() -> None:
    """0 is a value."""
    budget = RetryBudget(ratio=0, burst=0)
    budget.deposit()
    assert not budget.withdraw()


def test_without_a_burst_deposits_still_earn() -> None:
    """Ten deposits of a tenth are one extra call."""
    budget = RetryBudget(ratio=0.1, burst=0)
    assert not budget.withdraw()
    for _ in range(10):
        budget.deposit()
    assert [budget.withdraw(), budget.withdraw()] == [True, False]


@given(refill_s=st.floats(0.1, 100), moments=st.lists(st.floats(0, 50), max_size=100))
def test_time_gives_back_what_it_promises(refill_s: float, moments: list[float]) -> None:
    """However time passes, no more than the burst and one for every `refill_s` is taken without a deposit."""
    now = [0.0]
    budget, taken = RetryBudget(0, 3, refill_s, lambda: now[0]), 0
    for passed in moments:
        now[0] += passed
        taken += budget.withdraw()
        assert taken <= 3 + now[0] / refill_s + 1e-6


def calls_and_answers(requests: int, share_failing: float) -> tuple[int, int]:
    """Upstream calls and answered requests, where an answer earns one extra call and every call fails by chance."""
    budget, dice, calls, answered = RetryBudget(ratio=1, burst=20), Random(7), 0, 0
    for _ in range(requests):
        calls += 1
        while (failed := dice.random() < share_failing) and budget.withdraw():
            calls += 1
        if not failed:
            answered += 1
            budget.deposit()
    return calls, answered


@pytest.mark.parametrize(("share", "calls_at_most", "answered_at_least"), [(0.3, 3000, 1990), (1.0, 2020, 0)])
def test_a_deposit_for_each_answer_tells_faults_from_an_outage(
    share: float, calls_at_most: int, answered_at_least: int
) -> None:
    """Three calls in ten failing: all answered. All failing: twenty extra calls in 2,000 requests."""
    calls, answered = calls_and_answers(2000, share)
    assert calls <= calls_at_most
    assert answered >= answered_at_least


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"base_s": -1.0}, {"cap_s": math.nan}, {"cap_s": math.inf}])
def test_a_rule_without_sense_is_refused(wrong: dict[str, float]) -> None:
    """Told at start-up."""
    with pytest.raises(SettingsError, match="retry: expected"):
        RetryRule(**wrong)


@pytest.mark.parametrize("wrong", [(-0.1, 1), (math.nan, 1), (0.1, -1), (1, 1, 0), (1, 1, math.nan)])
def test_a_budget_without_sense_is_refused(wrong: Iterable[float]) -> None:
    """Told at start-up."""
    with pytest.raises(SettingsError, match="retry budget: expected"):
        RetryBudget(*wrong)
