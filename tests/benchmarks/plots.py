"""The benchmark's four plots."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

_NAMES = {
    "ours": "prompt-intent", "torch": "sentence-transformers", "onnx": "its ONNX int8", "router": "semantic-router",
    "litellm": "LiteLLM", "passthrough": "bare pass-through", "auto": "prompt-intent, auto",
}  # fmt: skip
_COLORS = {
    "ours": "#1b6ef3", "auto": "#0a3d91", "torch": "#d9822b", "onnx": "#8a6d3b", "router": "#7d5ba6",
    "litellm": "#c23030", "passthrough": "#8f99a3",
}  # fmt: skip
# Bins, each up to so many words; the last has all that are longer.
_WORDS = (4, 8, 16, 32, 64, 128)


def draw(figures: dict[str, Any], folder: Path) -> None:
    """Write latency.svg, throughput.svg, overhead.svg and memory.svg."""
    found = figures["classifiers"]
    _lines(folder / "latency.svg", "words in the prompt, up to", "ms, p50, one core", _by_length(found), ticks=_WORDS)
    sizes = found["sizes"]
    by_size = {kind: (sizes, rates) for kind, rates in found["by_size"].items()}
    rate = "prompts a second, two threads"
    _lines(folder / "throughput.svg", "prompts at once (a call each)", rate, by_size, ticks=sizes)
    _lines(folder / "overhead.svg", "clients at once", "ms, p50, over no gateway", _overheads(figures["gateways"]))
    memory = {kind: (range(100, 100 * len(mb) + 1, 100), mb) for kind, mb in figures["memory"].items()}
    _lines(folder / "memory.svg", "prompts classified", "MB resident", memory, log=False)


def _by_length(found: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    words = [n for part in found["words"] for n in part]
    curves = {}
    for kind, rounds in found["single"].items():
        seconds = [one for part in rounds for one in part]
        bins: dict[int, list[float]] = {}
        for n, one in zip(words, seconds, strict=True):
            bins.setdefault(next((most for most in _WORDS if n <= most), _WORDS[-1]), []).append(one * 1000)
        curves[kind] = (sorted(bins), [statistics.median(bins[most]) for most in sorted(bins)])
    return curves


def _overheads(found: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    def p50(name: str, clients: int) -> float:
        return statistics.median(one["p50_ms"] for one in found["found"][name][f"c{clients}"])

    clients = (1, 16, 64)
    names = [name for name in found["found"] if name != "direct"]
    return {name: (clients, [p50(name, n) - p50("direct", n) for n in clients]) for name in names}


def _plain(value: float, _: int) -> str:
    """10, not 10 to the power of 1; of each ten only 1, 2 and 5, or the labels would run into one another."""
    return f"{value:g}" if f"{value:e}"[0] in "125" else ""


def _lines(
    path: Path, x: str, y: str, curves: dict[str, tuple[Any, Any]], *, ticks: Any = None, log: bool = True
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for kind, (xs, ys) in curves.items():
        axes.plot(
            list(xs), list(ys), marker="o" if len(list(xs)) < 20 else None, color=_COLORS[kind], label=_NAMES[kind]
        )
    if log:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        labels = ticks or list(next(iter(curves.values()))[0])
        axes.set_xticks(list(labels), [str(n) for n in labels])
        axes.yaxis.set_major_formatter(_plain)
        axes.yaxis.set_minor_formatter(_plain)
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
