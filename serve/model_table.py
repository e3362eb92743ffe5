"""The catalogue as an operator reads it on one day: which names work, what is called for them, and for how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from rich import box
from rich.table import Table

from serve.candidates import estimate
from serve.catalog import Catalog, Model
from serve.constraints import Health
from serve.image_request import ImageRequest
from serve.lifecycle import Status, resolve, status_on

# One square picture at the model's own default quality; no model has a reason to refuse it.
PLAIN = ImageRequest(prompt="a circle")


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One logical name on one day.

    Attributes:
        row: the catalogue row that answers, `vendor_model` its id there; None where nobody does.
        keyed: whether that row's provider has a key.
        usd: one plain picture of that row, in US dollars.
        status: the state of the named row itself, as are the date and the successor.
    """

    model: str
    row: str | None
    vendor_model: str | None
    provider: str
    keyed: bool
    usd: float | None
    status: Status
    shutdown_date: date | None
    successor: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain data; dates in ISO format."""
        ends = None if self.shutdown_date is None else self.shutdown_date.isoformat()
        return asdict(self) | {"shutdown_date": ends}


def model_lines(catalog: Catalog, health: Health, today: date) -> list[ModelLine]:
    """Every logical name of the catalogue, in its order."""
    return [
        _line(model, resolve(model.name, catalog, today, health.overridden), health, today)
        for model in catalog.models.values()
    ]


def render_models(lines: Sequence[ModelLine], today: date) -> Table:
    """The lines as a table for a terminal of eighty columns: a name, and what is called for it where that differs."""
    table = Table(title=f"Models on {today}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("model", "provider", "key", "US$", "its life"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(
            line.model,
            line.provider,
            "set" if line.keyed else "none",
            "" if line.usd is None else f"{line.usd:.4f}",
            _life(line),
        )
    return table


def _life(line: ModelLine) -> str:
    """Its state, the day of its end, and who answers for it, or would."""
    state = line.status if line.shutdown_date is None else f"{line.status} {line.shutdown_date}"
    if line.row is None:
        return f"{state}, nobody answers"
    if line.row != line.model:
        return f"{state}, answered by {line.row}"
    return f"{state}, then {line.successor}" if line.successor else state


def _line(named: Model, row: Model | None, health: Health, today: date) -> ModelLine:
    provider = (row or named).provider
    return ModelLine(
        model=named.name,
        row=row.name if row else None,
        vendor_model=row.vendor_model if row else None,
        provider=provider,
        keyed=provider in health.keyed,
        usd=estimate(PLAIN, row, today) if row else None,
        status=status_on(named, today),
        shutdown_date=named.shutdown_date,
        successor=named.successor,
    )
