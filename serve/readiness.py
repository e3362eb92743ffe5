"""What an operator should know before prompts come in: missing keys, a missing classifier, routes that are dying."""

from __future__ import annotations

from datetime import date

from serve.catalog import Catalog
from serve.lifecycle import NONE_GONE, describe_end, is_dead, on_routes, resolve
from serve.schemas import ProviderState, Readiness
from serve.service import Service
from serve.targets import missing_keys


def read_readiness(service: Service) -> Readiness:
    """Ready means: prompts can be classified, and at least one provider can be called."""
    health, problem = service.vitals.health(service.targets), service.classification.problem
    warnings = [*service.targets.warnings]
    warnings += [f"no classifier: {problem}"] if problem else []
    warnings += [] if health.keyed else [missing_keys(service.catalog)]
    warnings += warn_of_routes(service.catalog, service.clock.today(), health.overridden, health.gone)
    warnings += service.vitals.sunsets.lines()
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


def warn_of_routes(
    catalog: Catalog, today: date, overridden: frozenset[str], gone: frozenset[str] = NONE_GONE
) -> list[str]:
    """A line for every model on a route that is shut down or gone, or will be, or its successor, within 60 days."""
    lines = (_warn(name, catalog, today, overridden, gone) for name in on_routes(catalog.routes))
    return [line for line in lines if line is not None]


def _warn(name: str, catalog: Catalog, today: date, overridden: frozenset[str], gone: frozenset[str]) -> str | None:
    named, row = catalog.models[name], resolve(name, catalog, today, overridden, gone)
    later = describe_end(row, catalog, today, overridden, gone) if row else None
    if row is named:
        return f"{name}: {later}" if later else None
    end = f"shut down {named.shutdown_date}" if is_dead(named, today) else "gone at its vendor"
    if row is None:
        return f"{name}: {end}, and no successor is alive; change routes.toml"
    return f"{name}: {end}, answered by {row.name}" + (f", which {later}" if later else "")


def _unready(catalog: Catalog, name: str) -> ProviderState:
    return ProviderState(ready=False, reason=f"no {catalog.providers[name].key_env}")
