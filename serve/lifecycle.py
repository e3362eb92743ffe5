"""Which row answers for a logical name today: models are retired by their vendors, the names callers use are not."""

from __future__ import annotations

from datetime import date

from serve.catalog import Catalog, Model


def is_dead(model: Model, today: date) -> bool:
    """True once the vendor no longer answers: the row says so, or its shutdown date is reached (that day counts)."""
    return model.status == "shutdown" or (model.shutdown_date is not None and today >= model.shutdown_date)


def resolve(name: str, catalog: Catalog, today: date, overridden: frozenset[str]) -> Model | None:
    """The row to call for the logical `name`, or None when its line of successors ends dead.

    A dead row still answers when its provider is in `overridden`: a sandbox or a private server may serve it for ever.

    Raises:
        KeyError: `name` is not in the catalogue.
    """
    row = catalog.models[name]
    seen = {name}
    while is_dead(row, today) and row.provider not in overridden:
        if row.successor is None or row.successor in seen:
            return None
        seen.add(row.successor)
        row = catalog.models[row.successor]
    return row
