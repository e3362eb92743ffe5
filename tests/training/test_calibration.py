"""Calibration figures on models whose calibration is known because it was drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.bootstrap import Resampling
from training.calibration import calibrate, calibration_slope

Floats = NDArray[np.float64]


def _drawn(seed: int, n: int, sharpness: float = 1.0) -> tuple[Floats, NDArray[np.int64]]:
    """Labels drawn from probabilities, and what a model says that sharpens them: p to the power `sharpness`."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([0.6, 0.6, 0.6], n)
    numbers = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(max=2)
    said = true**sharpness
    return said / said.sum(axis=1, keepdims=True), numbers


def _rows(n: int) -> Resampling:
    return Resampling.of_groups(range(n), draws=300)


def test_the_band_covers_a_calibrated_model() -> None:
    """Of a hundred calibrated models with 400 rows, the error of nearly all lies inside their band."""
    inside, once = 0, Resampling.of_groups(range(400), draws=1)
    for seed in range(100):
        said, numbers = _drawn(seed, 400)
        inside += calibrate(said, numbers, once, draws=300).inside
    assert inside >= 93


def test_the_band_has_ninety_five_percent_inside() -> None:
    """Both ends are where they should be: about one model in forty lies beyond each."""
    under, above, once = 0, 0, Resampling.of_groups(range(200), draws=1)
    for seed in range(400):
        said, numbers = _drawn(seed, 200)
        found = calibrate(said, numbers, once, draws=200)
        under, above = under + (found.ece < found.band[0]), above + (found.ece > found.band[1])
    assert 2 <= under <= 22
    assert 2 <= above <= 22


def test_the_band_rejects_an_over_confident_model() -> None:
    """Models that square their probabilities are above the band, every one, and their slope is a half."""
    for seed in range(20):
        said, numbers = _drawn(seed, 960, sharpness=2.0)
        found = calibrate(said, numbers, _rows(960), draws=300)
        assert not found.inside
        assert found.slope_95[1] < 0.85
        assert found.slope == pytest.approx(0.5, abs=0.12)


def test_an_error_below_the_band_is_no_fault() -> None:
    """A model that is luckier than chance allows is not called badly calibrated."""
    confidence = np.repeat([0.55, 0.65, 0.75, 0.85], 100)
    numbers = np.concatenate([np.arange(100) >= share for share in (55, 65, 75, 85)]).astype(np.int64)
    found = calibrate(np.column_stack([confidence, 1 - confidence]), numbers, _rows(400))
    assert found.ece == pytest.approx(0, abs=1e-9)
    assert found.band[0] > found.ece
    assert found.inside


@settings(max_examples=15)
@given(st.floats(0.3, 4.0))
def test_the_slope_finds_a_known_temperature(temperature: float) -> None:
    """A model that should have divided its logits by a temperature has the slope 1 / temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 3
    true, said = (np.exp(logits / t) / np.exp(logits / t).sum(axis=1, keepdims=True) for t in (temperature, 1.0))
    numbers = (rng.random((4000, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(max=2)
    slope, (low, high) = calibration_slope(said, numbers, _rows(4000))
    assert slope == pytest.approx(1 / temperature, rel=0.15)
    assert low < slope < high


def test_the_slope_minimises_the_cross_entropy() -> None:
    """No neighbouring scalar has a smaller cross-entropy, to the table's last digits."""
    said, numbers = _drawn(5, 500, sharpness=1.4)
    slope, _ = calibration_slope(said, numbers, _rows(500))

    def loss(scalar: float) -> float:
        scaled = np.log(said) * scalar
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(500), numbers]).mean())

    assert loss(slope) <= min(loss(slope * 0.995), loss(slope * 1.005))


def test_the_slope_interval_covers_a_calibrated_model() -> None:
    """Of a hundred calibrated models, about ninety-five have 1 between the ends."""
    covered = 0
    for seed in range(100):
        said, numbers = _drawn(seed, 300)
        low, high = calibration_slope(said, numbers, _rows(300))[1]
        covered += low <= 1 <= high
    assert covered >= 88


def test_the_slope_stays_finite() -> None:
    """Always right asks for the steepest slope, a certain mistake for the flattest; neither breaks the arithmetic."""
    certain = np.array([[1.0, 0.0], [0.9, 0.1], [0.2, 0.8]])
    assert calibration_slope(certain, np.array([0, 0, 1]), _rows(3))[0] == pytest.approx(20)
    assert calibration_slope(certain, np.array([1, 1, 0]), _rows(3))[0] == pytest.approx(0.05)


def test_bins_by_hand() -> None:
    """Four rows in two bins: counts, mean confidence, share of right ones; a tenth belongs to the bin it starts."""
    said = np.array([[0.7, 0.3], [0.74, 0.26], [0.95, 0.05], [0.05, 0.95]], dtype=np.float32)
    found = calibrate(said, np.array([0, 1, 0, 0]), _rows(4))
    assert [(b.low, b.n) for b in found.bins] == [(0.7, 2), (0.9, 2)]
    assert [b.confidence for b in found.bins] == pytest.approx([0.72, 0.95])
    assert [b.accuracy for b in found.bins] == [0.5, 0.5]
    assert found.ece == pytest.approx((0.22 + 0.45) / 2)
    assert all(b.band[0] <= b.confidence <= b.band[1] for b in found.bins)
