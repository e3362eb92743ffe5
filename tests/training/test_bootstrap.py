"""Intervals: their width, what grouping does to them, and what stands where drawing again says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from training.bootstrap import Resampling, bounds, interval, paired_difference, wilson


def test_rows_of_a_group_are_drawn_together() -> None:
    """Five copies of each row tell no more than one: grouped, the interval is as wide as that of the rows alone."""
    rows = np.random.default_rng(1).random(200) < 0.7
    copied, groups = np.repeat(rows, 5), np.repeat(np.arange(200), 5)
    low, high = interval(rows)
    grouped = interval(copied, groups=groups.tolist())
    alone = interval(copied)
    assert grouped[1] - grouped[0] == pytest.approx(high - low, rel=0.1)
    assert alone[1] - alone[0] == pytest.approx((high - low) / 5**0.5, rel=0.1)


def test_each_draw_takes_as_many_groups_as_there_are() -> None:
    """Weights count groups, not rows, and are equal within a group."""
    weights = Resampling.of_groups(["b", "a", "b", "c"], draws=50).weights
    assert weights.shape == (50, 4)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_same_rows_give_the_same_interval() -> None:
    """The seed is fixed."""
    flags = np.random.default_rng(3).random(300) < 0.4
    assert interval(flags) == interval(flags)


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 0.72247, 1.0), (0.0, 0.0, 0.27753), (0.5, 0.23659, 0.76341)])
def test_wilson_by_hand(share: float, low: float, high: float) -> None:
    """Ten trials: 1 / (1 + z²/10) at the edges, and the textbook's values in the middle."""
    assert wilson(share, 10) == pytest.approx((low, high), abs=1e-4)


def test_all_right_is_not_surely_right() -> None:
    """Ten of ten in ten groups is Wilson's interval, not [1, 1]; in two groups it says still less."""
    right = np.ones(10, dtype=bool)
    assert interval(right) == pytest.approx((0.72247, 1.0), abs=1e-4)
    assert interval(right, groups=[0, 1] * 5)[0] == pytest.approx(wilson(1.0, 2)[0])


def test_an_empty_part_says_nothing() -> None:
    """A share of no rows lies anywhere between 0 and 1, and draws without a value are passed over."""
    resampling = Resampling.of_groups(range(4), draws=100)
    nobody = np.zeros((4, 1), dtype=bool)
    assert resampling.shares(nobody, nobody) == [(0.0, 1.0)]
    assert bounds(np.array([[np.nan, 1.0], [np.nan, np.nan], [np.nan, 1.0]])) == [(0.0, 1.0), (1.0, 1.0)]


def test_a_paired_difference_of_groups_keeps_its_mean() -> None:
    """Grouping widens the interval of a difference and does not move it."""
    ours = np.array([True, True, False, True] * 50)
    theirs = np.array([True, False, False, False] * 50)
    alone, grouped = (paired_difference(ours, theirs, groups=g) for g in (None, [i // 8 for i in range(200)]))
    assert alone[0] == grouped[0] == 0.5
    assert alone[1] < 0.5 < alone[2]
    assert grouped == (0.5, 0.5, 0.5)
