"""Which row answers for a logical name today: models are retired by their vendors, the names callers use are not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from serve.catalog import Catalog, Model, Routes

Status = Literal["active", "deprecated", "shutdown"]

NONE_GONE: frozenset[str] = frozenset()
# How long before a model is shut down its operator is warned.
SOON = timedelta(days=60)


def find_model(name: str, catalog: Catalog) -> str | None:
    """The catalogue's name of a model that goes by this name, here or at its vendor; None where there is none."""
    if name in catalog.models:
        return name
    return next((model.name for model in catalog.models.values() if model.vendor_model == name), None)


def is_dead(model: Model, today: date) -> bool:
    """True once the vendor no longer answers: from its shutdown date on, that day included.

    The date decides where there is one, so that any day can be asked about: a row that is written as shut down was
    alive the day before.
    """
    if model.shutdown_date is not None:
        return today >= model.shutdown_date
    return model.status == "shutdown"


def status_on(model: Model, today: date) -> Status:
    """What the row's status is, or was, on that day: before its shutdown a model that is shut down now was active."""
    if is_dead(model, today):
        return "shutdown"
    return "active" if model.status == "shutdown" else model.status


def resolve(
    name: str, catalog: Catalog, today: date, overridden: frozenset[str], gone: frozenset[str] = NONE_GONE
) -> Model | None:
    """The row to call for the logical `name`, or None when its line of successors ends dead.

    A dead row still answers when its provider is in `overridden`: a sandbox or a private server may serve it for ever.
    A row in `gone` has answered that it does not exist; no date and no override makes up for that.

    Raises:
        KeyError: `name` is not in the catalogue.
    """
    row = catalog.models[name]
    seen = {name}
    while row.name in gone or (is_dead(row, today) and row.provider not in overridden):
        if row.successor is None or row.successor in seen:
            return None
        seen.add(row.successor)
        row = catalog.models[row.successor]
    return row


def describe_end(
    model: Model, catalog: Catalog, today: date, overridden: frozenset[str], gone: frozenset[str] = NONE_GONE
) -> str | None:
    """When a living row ends and who answers for it from then on, in words; None while its end is not near."""
    ends = model.shutdown_date
    if ends is None or is_dead(model, today) or model.provider in overridden or ends - today > SOON:
        return None
    heir = None if model.successor is None else resolve(model.successor, catalog, ends, overridden, gone)
    instead = f"{heir.name} answers from then on" if heir else "nothing answers from then on: give its row a successor"
    return f"shuts down {ends}, in {(ends - today).days} days; {instead}"


def on_routes(routes: Routes) -> list[str]:
    """The logical names that the routes use, each once."""
    names = [routes.default]
    for route in routes.intents.values():
        names += [*route.models, *([route.export] if route.export else [])]
    return list(dict.fromkeys(names))
