"""What a person sees of an evaluation: a table in the terminal, two plots in the MLflow run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from training.evaluation import Evaluation, Flags

_INK, _BLUE, _GREY = "#1f2933", "#2563eb", "#9aa5b1"


def print_evaluation(console: Console, title: str, result: Evaluation) -> None:
    """Per class, then the whole, then the slices from worst to best."""
    table = Table(title=title, title_justify="left")
    for heading in ("class", "precision", "recall", "F1", "n"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for label, score in result.labels.items():
        table.add_row(label, *(f"{v:.3f}" for v in (score.precision, score.recall, score.f1)), str(score.n))
    console.print(table)
    low, high = result.strict_95
    console.print(
        f"strict {result.strict:.3f} [{low:.3f}, {high:.3f}]  lenient {result.lenient:.3f}  "
        f"macro-F1 {result.macro_f1:.3f}"
    )
    console.print(
        f"ECE {result.ece:.3f}  coverage at 97 % lenient {result.coverage_at_97:.3f}  "
        f"answered {result.answered:.3f} at {result.answered_lenient:.3f} lenient"
    )
    worst = sorted(result.slices.items(), key=lambda item: item[1].strict)
    console.print("slices: " + ", ".join(f"{name} {s.strict:.2f} (n={s.n})" for name, s in worst), highlight=False)


def plot_confusion(result: Evaluation, path: Path) -> None:
    """Gold rows against predicted columns, counts in the cells, shaded by the share of the gold row."""
    figure, axes = _canvas(5.6, 4.8)
    counts = np.array(result.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        axes.text(
            j,
            i,
            f"{count}\n{shares[i, j]:.0%}",
            ha="center",
            va="center",
            color="white" if shares[i, j] > 0.5 else _INK,
        )
    axes.set_xticks(range(len(result.classes)), result.classes)
    axes.set_yticks(range(len(result.classes)), result.classes, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    axes.set_title(f"Confusion on the test set (n={result.n}, strict {result.strict:.1%})")
    figure.savefig(path, dpi=120)


def plot_reliability(result: Evaluation, confidence: NDArray[np.float32], right: Flags, path: Path) -> None:
    """Accuracy against confidence in ten bins; the diagonal is perfect calibration, the bars the rows' shares."""
    figure, axes = _canvas(5.6, 4.8)
    edges = np.linspace(0, 1, 11)
    bins = np.minimum((confidence * 10).astype(int), 9)
    inside = [b for b in range(10) if (bins == b).any()]
    shares = [float((bins == b).mean()) for b in inside]
    axes.bar(edges[inside] + 0.05, shares, width=0.09, color=_GREY, alpha=0.4, label="share of prompts")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="perfect calibration")
    points = [(float(confidence[bins == b].mean()), float(right[bins == b].mean())) for b in inside]
    axes.plot(*zip(*points, strict=True), marker="o", color=_BLUE, label="this classifier")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy (strict)")
    axes.set_title(f"Reliability on the test set (ECE {result.ece:.3f})")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=120)


def print_rows(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table of text cells."""
    table = Table()
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    # Figure, not pyplot: no global state and no window, whatever backend is set.
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
