"""A request's time and money, shared by all its attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serve.deadline import Bill, Deadline

CENTS = st.integers(0, 50)


def test_time_runs_out_and_stays_out() -> None:
    """What is left shrinks to nothing and never below."""
    now = iter((100.0, 104.0, 105.0, 200.0))
    deadline = Deadline(105.0, lambda: next(now))
    assert [deadline.left() for _ in range(4)] == [5.0, 1.0, 0.0, 0.0]


def test_a_bill_without_a_limit_holds_everything() -> None:
    """None is no limit, and 0 is one."""
    assert Bill(None).reserve(10_000.0)
    assert not Bill(0.0).reserve(0.04)
    assert Bill(0.0).reserve(0.0)


def test_sums_of_fractions_reach_their_limit() -> None:
    """Three times ten cents are thirty, whatever binary fractions make of them."""
    bill = Bill(0.3)
    assert [bill.reserve(0.1) for _ in range(4)] == [True, True, True, False]


@given(limit=CENTS, steps=st.lists(st.tuples(CENTS, st.floats(0, 1), st.booleans()), max_size=30))
def test_what_was_spent_and_is_held_never_passes_the_limit(limit: int, steps: list[tuple[int, float, bool]]) -> None:
    """However calls overlap, settle for less, or are refused: spent and held together stay within the limit."""
    bill, spent, held = Bill(limit / 100), 0.0, list[float]()
    for cents, share, end_one in steps:
        fits = spent + sum(held) + cents / 100 <= limit / 100 + 1e-5
        assert bill.reserve(cents / 100) == fits
        if fits:
            held.append(cents / 100)
        if end_one and held:
            reserved = held.pop()
            bill.settle(reserved, reserved * share)
            spent += reserved * share
        assert spent + sum(held) <= limit / 100 + 1e-4
