"""Two runs of the same side by side, with ratios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serve.bench.figures import ModelFigures
from serve.bench.record import Record


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of one model in both runs; None where a run has none."""

    model: str
    name: str
    before: float | None
    now: float | None

    @property
    def ratio(self) -> float | None:
        """`now` in units of `before`; None where there is nothing to divide by."""
        return None if self.now is None or not self.before else self.now / self.before


def compare(before: Record, now: Record) -> list[Measure]:
    """Every measure of every model of `now`, in its order."""
    then = {figures.model: _measures(figures) for figures in before.models}
    return [
        Measure(figures.model, name, then.get(figures.model, {}).get(name), value)
        for figures in now.models
        for name, value in _measures(figures).items()
    ]


def comparison_json(before: Record, measures: list[Measure]) -> dict[str, Any]:
    """Plain data: the other run, and the ratios by model and measure."""
    ratios: dict[str, dict[str, float | None]] = {}
    for measure in measures:
        ratios.setdefault(measure.model, {})[measure.name] = measure.ratio
    return {"before": before.model_dump(mode="json"), "ratios": ratios}


def _measures(figures: ModelFigures) -> Mapping[str, float | None]:
    ms = figures.ms
    return {
        "p50_ms": None if ms is None else ms.p50,
        "p95_ms": None if ms is None else ms.p95,
        "p99_ms": None if ms is None else ms.p99,
        "error_rate": figures.error_rate,
        "usd_a_request": figures.usd_a_request,
    }
