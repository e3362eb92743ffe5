"""Whether confidence means what it says: the calibration error beside its own noise, and the calibration slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import DRAWS, Flags, Floats, Interval, Resampling, bounds

_BINS = 10
# Slopes are looked for between a twentieth and twenty: anything beyond is as wrong as it gets.
_SLOPES = np.geomspace(0.05, 20.0, 601)
_SMALLEST_SHARE = 1e-12


@dataclass(frozen=True, slots=True)
class Bin:
    """The `n` rows with confidence in [low, low + 0.1): mean confidence, share of right ones, and the 95 % band of
    that share if the model were perfectly calibrated.
    """

    low: float
    n: int
    confidence: float
    accuracy: float
    band: Interval


@dataclass(frozen=True, slots=True)
class Calibration:
    """`ece` beside `band`, where a perfectly calibrated model of this size has it; `slope` with its interval.

    `inside` is false for an error above the band only: an error below it is luck, no fault.
    """

    ece: float
    band: Interval
    slope: float
    slope_95: Interval
    bins: tuple[Bin, ...]

    @property
    def inside(self) -> bool:
        """Whether the calibration error is one that a perfectly calibrated model would have too."""
        return self.ece <= self.band[1]


def calibrate(
    probabilities: NDArray[Any], numbers: NDArray[np.int64], resampling: Resampling, draws: int = DRAWS
) -> Calibration:
    """Every calibration figure of probabilities (n, k) with the true columns `numbers` (n,)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == numbers
    drawn = _imagined(confidence, draws)
    slope, slope_95 = calibration_slope(probabilities, numbers, resampling)
    return Calibration(
        ece=calibration_error(confidence, right),
        band=_band(confidence, drawn),
        slope=slope,
        slope_95=slope_95,
        bins=_bins(confidence, right, drawn),
    )


def calibration_error(confidence: NDArray[Any], right: Flags) -> float:
    """Expected calibration error over ten equal-width bins, weighted by size (Guo et al. 2017)."""
    confidence = confidence.astype(np.float64)
    gaps = np.abs(_bin_sums(confidence, right) - _bin_sums(confidence, confidence))
    return float(gaps.sum() / len(right))


def _band(confidence: Floats, drawn: Floats) -> Interval:
    """Where 95 % of the calibration errors lie if every row is right with exactly its confidence.

    Rows are declared right at random, each with its confidence (consistency resampling, Bröcker and Smith 2007): a
    small set of a perfect model has an error above zero, and this is how much.
    """
    gaps = np.abs(drawn - _bin_sums(confidence, confidence))
    return bounds((gaps.sum(axis=1) / len(confidence))[:, None])[0]


def calibration_slope(
    probabilities: NDArray[Any], numbers: NDArray[np.int64], resampling: Resampling
) -> tuple[float, Interval]:
    """The s that minimises the cross-entropy of softmax(s * log p), and its 95 % bootstrap interval.

    One: calibrated. Below one: over-confident, the labels ask for flatter probabilities. Cox's calibration slope (1958;
    Van Calster et al. 2019) carried to several classes with one shared scalar, the inverse of the temperature that
    would still be needed (Guo et al. 2017). Between 0.05 and 20, which stand for anything beyond.
    """
    slopes = _gradient(probabilities, numbers)
    whole = _roots(slopes.sum(axis=0)[None, :])[0]
    return float(whole), bounds(_roots(resampling.weights @ slopes)[:, None])[0]


def _gradient(probabilities: NDArray[Any], numbers: NDArray[np.int64]) -> Floats:
    """Each row's derivative of the cross-entropy at each slope of the table, (n, slopes).

    The sum over rows grows with the slope (the cross-entropy is convex in it), so that one table serves every draw.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST_SHARE))
    logs -= logs.max(axis=1, keepdims=True)
    true = logs[np.arange(len(numbers)), numbers]
    table = np.empty((len(numbers), len(_SLOPES)))
    for column, slope in enumerate(_SLOPES):
        weights = np.exp(slope * logs)
        table[:, column] = (weights * logs).sum(axis=1) / weights.sum(axis=1) - true
    return table


def _roots(derivatives: Floats) -> Floats:
    """Where each row of rising derivatives (draws, slopes) crosses zero, read off between two slopes of the table."""
    after = np.clip((derivatives < 0).sum(axis=1), 1, len(_SLOPES) - 1)
    rows = np.arange(len(derivatives))
    left, right = derivatives[rows, after - 1], derivatives[rows, after]
    rise = np.where(right > left, right - left, 1.0)
    part = np.clip(-left / rise, 0.0, 1.0)
    found: Floats = _SLOPES[after - 1] ** (1 - part) * _SLOPES[after] ** part
    return found


def _imagined(confidence: Floats, draws: int) -> Floats:
    """How many rows of each bin are right in each of `draws` worlds where the model is perfect: (draws, bins)."""
    right = np.random.default_rng(0).random((draws, len(confidence))) < confidence
    counts: Floats = right.astype(np.float64) @ _inside(confidence)
    return counts


def _inside(confidence: Floats) -> Floats:
    # In single precision, as probabilities come: 0.7 is then the start of its bin, not a hair under it.
    numbers = np.minimum((confidence.astype(np.float32) * np.float32(_BINS)).astype(int), _BINS - 1)
    one_hot: Floats = np.eye(_BINS)[numbers]
    return one_hot


def _bin_sums(confidence: Floats, values: NDArray[Any]) -> Floats:
    sums: Floats = values.astype(np.float64) @ _inside(confidence)
    return sums


def _bins(confidence: Floats, right: Flags, drawn: Floats) -> tuple[Bin, ...]:
    sizes = _inside(confidence).sum(axis=0)
    sure, good = _bin_sums(confidence, confidence), _bin_sums(confidence, right)
    bands = bounds(drawn / np.maximum(sizes, 1))
    return tuple(
        Bin(int(b) / _BINS, int(sizes[b]), float(sure[b] / sizes[b]), float(good[b] / sizes[b]), bands[b])
        for b in np.flatnonzero(sizes)
    )
