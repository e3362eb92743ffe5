"""A batch's money: no order of reserving and settling passes the ceiling."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serve.batches.purse import Purse

usd = st.integers(0, 2_000_000).map(lambda micros: micros / 1_000_000)


@given(usd, st.lists(st.tuples(usd, usd, st.booleans(), st.floats(0, 1))))
def test_what_is_spent_and_held_stays_under_the_ceiling(
    ceiling: float, steps: list[tuple[float, float, bool, float]]
) -> None:
    """Whatever is asked for, held, settled for less or left open; and what is free plus what is not is the ceiling."""
    purse = Purse(ceiling)
    held: list[float] = []
    for least, more, settles, share in steps:
        reserved = purse.reserve(least, least + more)
        if reserved is None:
            assert purse.left is not None
            assert purse.left < least
        else:
            assert least <= reserved <= round(least + more, 6)
            held.append(reserved)
        if settles and held:
            paid = held.pop(0)
            purse.settle(paid, paid * share)
        assert purse.spent + purse.held <= ceiling + 1e-9
        assert purse.left is not None
        assert abs(purse.spent + purse.held + purse.left - ceiling) < 1e-9


def test_a_ceiling_of_nothing_lets_only_what_is_free_pass() -> None:
    """0 is a ceiling; None is none."""
    assert Purse(0.0).reserve(0.01, 0.02) is None
    assert Purse(0.0).reserve(0.0, 0.0) == 0.0
    assert (Purse(None).left, Purse(None).reserve(5, 7)) == (None, 7)


def test_the_whole_ceiling_can_be_spent() -> None:
    """Sums of cents are exact: ten times ten cents are a dollar."""
    purse = Purse(1.0)
    for _ in range(10):
        reserved = purse.reserve(0.1, 0.1)
        assert reserved == 0.1
        purse.settle(reserved, 0.1)
    assert (purse.left, purse.reserve(0.000001, 1)) == (0.0, None)


def test_what_is_reopened_is_held_again() -> None:
    """A picture that counted as paid for is settled for what it came to."""
    purse = Purse(1.0, spent=0.5)
    purse.reopen(0.2)
    assert (purse.spent, purse.held, purse.left) == (0.3, 0.2, 0.5)
    purse.settle(0.2, 0.05)
    assert (purse.spent, purse.held, purse.left) == (0.35, 0.0, 0.65)


def test_a_vendor_that_bills_over_its_price_leaves_nothing() -> None:
    """Less than nothing is not left."""
    purse = Purse(0.1)
    purse.settle(purse.reserve(0.1, 0.1) or 0.0, 0.3)
    assert (purse.spent, purse.left) == (0.3, 0.0)
