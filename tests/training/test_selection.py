"""Keeping silent: the risk curve by hand, and how sure the coverage at a precision is."""

from __future__ import annotations

import numpy as np
import pytest

from training.bootstrap import Resampling
from training.selection import coverage_at, coverage_interval, risk_curve


def test_the_risk_curve_by_hand() -> None:
    """Risk is the share of wrong answers among those at or above each confidence; ties are one point."""
    confidence = np.array([0.6, 0.9, 0.8, 0.8], np.float32)
    strict = np.array([False, True, False, True])
    lenient = np.array([False, True, True, True])
    points = risk_curve(confidence, strict, lenient, Resampling.of_groups(range(4)))
    assert [point.coverage for point in points] == [0.25, 0.75, 1.0]
    assert [point.confidence for point in points] == pytest.approx([0.9, 0.8, 0.6])
    assert [point.strict for point in points] == pytest.approx([0, 1 / 3, 1 / 2])
    assert [point.lenient for point in points] == pytest.approx([0, 0, 1 / 4])
    assert all(point.lenient_95[0] <= point.lenient <= point.lenient_95[1] for point in points)


def test_a_long_curve_has_a_hundred_points() -> None:
    """However many rows there are, the curve goes from the surest to all of them."""
    rng = np.random.default_rng(0)
    confidence, right = rng.random(5000), rng.random(5000) < 0.8
    points = risk_curve(confidence, right, right, Resampling.of_groups(range(5000), draws=50))
    assert len(points) == 100
    assert points[-1].coverage == 1.0
    assert points[-1].lenient == pytest.approx(1 - right.mean())


def test_the_coverage_interval_holds_the_coverage() -> None:
    """Right with a chance equal to the confidence: the interval is around the figure, and looked for anew each draw."""
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.8, 1.0, 2000)
    right = rng.random(2000) < confidence
    low, high = coverage_interval(confidence, right, 0.95, Resampling.of_groups(range(2000), draws=400))
    assert low < coverage_at(confidence, right, 0.95) < high
    assert 0.02 < high - low < 0.4


def test_coverage_that_is_sure() -> None:
    """All right is covered whole in every draw, all wrong never."""
    confidence, right = np.linspace(0.5, 1, 10), np.ones(10, dtype=bool)
    resampling = Resampling.of_groups(range(10))
    assert coverage_interval(confidence, right, 0.97, resampling) == (1.0, 1.0)
    assert coverage_interval(confidence, ~right, 0.97, resampling) == (0.0, 0.0)


def test_the_interval_of_whole_draws_agrees_with_the_point() -> None:
    """With every row drawn once, the vectorised search stops where the plain one does, ties together."""
    rng = np.random.default_rng(4)
    for _ in range(50):
        confidence, right = rng.integers(0, 6, 30) / 6, rng.random(30) < 0.7
        once = Resampling(np.ones((1, 30)), np.arange(30))
        assert coverage_interval(confidence, right, 0.75, once)[0] == pytest.approx(
            coverage_at(confidence, right, 0.75)
        )
