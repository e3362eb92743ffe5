"""An evaluation as pictures for MLflow's pages, beside the report that holds them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation import Evaluation

_INK, _BLUE, _GREY = "#1f2933", "#2563eb", "#9aa5b1"


def plot_confusion(result: Evaluation, path: Path) -> None:
    """Gold rows against predicted columns, counts in the cells, shaded by the share of the gold row."""
    figure, axes = _canvas(5.6, 4.8)
    counts = np.array(result.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        colour = "white" if shares[i, j] > 0.5 else _INK
        axes.text(j, i, f"{count}\n{shares[i, j]:.0%}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(result.classes)), result.classes)
    axes.set_yticks(range(len(result.classes)), result.classes, rotation=90, va="center")
    axes.set(xlabel="predicted", ylabel="gold")
    axes.set_title(f"Confusion on the test set (n={result.n}, strict {result.strict:.1%})")
    figure.savefig(path, dpi=120)


def plot_reliability(result: Evaluation, path: Path) -> None:
    """Accuracy against confidence in ten bins, over the band of a perfectly calibrated model; bars are row shares."""
    figure, axes = _canvas(5.6, 4.8)
    bins = result.calibration.bins
    centres = [b.low + 0.05 for b in bins]
    axes.bar(centres, [b.n / result.n for b in bins], width=0.09, color=_GREY, alpha=0.4, label="share of prompts")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="perfect calibration")
    seen = [b.confidence for b in bins]
    axes.vlines(
        seen, [b.band[0] for b in bins], [b.band[1] for b in bins], color=_GREY, lw=7, alpha=0.5, label="its 95 % band"
    )
    axes.plot(seen, [b.accuracy for b in bins], marker="o", color=_BLUE, label="this classifier")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy (strict)")
    axes.set_title(f"Reliability on the test set (ECE {result.ece:.3f})")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=120)


def plot_risk_coverage(result: Evaluation, path: Path) -> None:
    """The share of wrong answers against the share of prompts answered, most confident first, with its 95 % band."""
    figure, axes = _canvas(5.6, 4.8)
    points = result.risk_coverage
    coverage = [point.coverage for point in points]
    low, high = zip(*(point.lenient_95 for point in points), strict=True)
    axes.fill_between(coverage, low, high, color=_BLUE, alpha=0.15, lw=0)
    axes.plot(coverage, [point.lenient for point in points], color=_BLUE, label="lenient")
    axes.plot(coverage, [point.strict for point in points], color=_GREY, linestyle="--", label="strict")
    axes.axvline(result.answered, color=_INK, lw=0.8, linestyle=":", label="abstains beyond")
    axes.set(xlim=(0, 1), xlabel="share of prompts answered", ylabel="share of wrong answers")
    axes.set_ylim(bottom=0)
    axes.set_title(f"Risk by coverage on the test set (n={result.n})")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=120)


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    # Figure, not pyplot: no global state and no window, whatever backend is set.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
