"""What an operator should know before prompts come in: missing keys, a missing classifier, routes that are dying."""

from __future__ import annotations

from datetime import date, timedelta

from serve.catalog import Catalog, Model, Routes
from serve.lifecycle import resolve
from serve.schemas import ProviderState, Readiness
from serve.service import Service
from serve.targets import missing_keys

SOON = timedelta(days=30)


def read_readiness(service: Service) -> Readiness:
    """Ready means: prompts can be classified, and at least one provider can be called."""
    health, problem = service.targets.health(), service.classification.problem
    warnings = [*service.targets.warnings]
    warnings += [f"no classifier: {problem}"] if problem else []
    warnings += [] if health.keyed else [missing_keys(service.catalog)]
    warnings += warn_of_routes(service.catalog, service.clock.today(), health.overridden)
    return Readiness(
        status="ready" if problem is None and health.keyed else "not_ready",
        classifier_version=service.classification.version,
        sandbox=service.targets.sandbox,
        providers={
            name: ProviderState(ready=True) if name in health.keyed else _unready(service.catalog, name)
            for name in service.catalog.providers
        },
        warnings=warnings,
    )


def warn_of_routes(catalog: Catalog, today: date, overridden: frozenset[str]) -> list[str]:
    """A line for every model on a route that is shut down, or will be within 30 days."""
    return [
        line
        for name in _on_routes(catalog.routes)
        if (line := _warn(catalog.models[name], resolve(name, catalog, today, overridden), today, overridden))
    ]


def _on_routes(routes: Routes) -> list[str]:
    names = [routes.default]
    for route in routes.intents.values():
        names += [*route.models, *([route.export] if route.export else [])]
    return list(dict.fromkeys(names))


def _warn(named: Model, row: Model | None, today: date, overridden: frozenset[str]) -> str | None:
    if row is None:
        return f"{named.name}: shut down {named.shutdown_date}, and no successor is alive; change routes.toml"
    if row.name != named.name:
        return f"{named.name}: shut down {named.shutdown_date}, answered by {row.name}"
    ends = row.shutdown_date
    if ends is None or row.provider in overridden or ends - today > SOON:
        return None
    return f"{row.name}: shuts down {ends}, in {(ends - today).days} days; its successor is {row.successor}"


def _unready(catalog: Catalog, name: str) -> ProviderState:
    return ProviderState(ready=False, reason=f"no {catalog.providers[name].key_env}")
