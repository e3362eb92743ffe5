"""What `prompt-intent doctor` looks at, as pure functions: keys, sunsets, dying routes, prices. It calls no vendor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from rich.table import Table
from rich.text import Text

from serve.catalog import Catalog
from serve.constraints import Constraints, Health
from serve.lifecycle import SOON, describe_end, on_routes, resolve
from serve.model_table import PLAIN
from serve.policy import Route, choose_route
from serve.prices import PriceRow, compare_prices, count_agreeing

Level = Literal["ok", "warning", "error"]
_STYLES: Mapping[Level, str] = {"ok": "green", "warning": "yellow", "error": "red"}
_CODES: Mapping[Level, int] = {"ok": 0, "warning": 1, "error": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how bad it is, what it is about, and what to do where something is to be done."""

    level: Level
    subject: str
    message: str


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when all is fine, 1 with warnings, 2 with errors."""
    return max((_CODES[finding.level] for finding in findings), default=0)


def check_keys(catalog: Catalog, health: Health, today: date, *, sandbox: bool) -> list[Finding]:
    """Which providers have a key, and what cannot be called for want of one.

    `health` is that of the real vendors; `sandbox` says whether the sandbox would answer in their place.
    """
    variables = ", ".join(provider.key_env for provider in catalog.providers.values())
    if not health.keyed:
        instead = "the sandbox draws everything" if sandbox else "nothing can be drawn"
        return [Finding("warning" if sandbox else "error", "keys", f"none is set, {instead}: set one of {variables}")]
    rows = [resolve(name, catalog, today, health.overridden) for name in on_routes(catalog.routes)]
    found = [
        _key(provider.key_env, name in health.keyed, {row.name for row in rows if row and row.provider == name})
        for name, provider in catalog.providers.items()
    ]
    for intent in catalog.routes.intents:
        route = _route(intent, catalog, health, today)
        if not _own(route, intent, catalog):
            left = "the default model answers" if route.taken else "nothing answers"
            found.append(Finding("warning", f"intents.{intent}", f"none of its models has a key, {left}"))
    return found


def check_sunsets(catalog: Catalog, overridden: frozenset[str], today: date) -> list[Finding]:
    """A warning for every living model that is shut down within 60 days; an overridden host serves it for ever."""
    ending = [
        Finding("warning", model.name, end)
        for model in catalog.models.values()
        if (end := describe_end(model, catalog, today, overridden))
    ]
    return ending or [Finding("ok", "sunsets", f"no living model is shut down within {SOON.days} days")]


def check_coming_routes(catalog: Catalog, overridden: frozenset[str], today: date) -> list[Finding]:
    """An error for each route that lives today and dies within 60 days, of the first day on which it is dead."""
    dates = {model.shutdown_date for model in catalog.models.values() if model.shutdown_date}
    dead = set(_errors(check_routes(catalog, overridden, today)))
    dying: dict[str, Finding] = {}
    for day in sorted(day for day in dates if today < day <= today + SOON):
        # What is known of an earlier day stays.
        dying |= _errors(check_routes(catalog, overridden, day, f"from {day} on")) | dying
    return [finding for subject, finding in dying.items() if subject not in dead]


def check_routes(catalog: Catalog, overridden: frozenset[str], day: date, when: str = "") -> list[Finding]:
    """What the routes come to on `day`, if every provider has a key: an error for each that is dead.

    `when` is the day in words.
    """
    when = when or f"on {day}"
    health = Health(frozenset(catalog.providers), overridden)
    found: dict[Finding, None] = {}
    for intent in catalog.routes.intents:
        subject, route = f"intents.{intent}", _route(intent, catalog, health, day)
        for candidate in route.candidates:
            if candidate.cause in ("dead", "unable"):
                found[Finding("warning", subject, f"{candidate.model} cannot answer: {candidate.reason}")] = None
        own = _own(route, intent, catalog)
        if own:
            found[Finding("ok", subject, f"answered by {', '.join(own)}")] = None
        else:
            left = "only the default model is left" if route.taken else "nothing is left"
            found[Finding("error", subject, f"{when} none of its models can answer, {left}: change routes.toml")] = None
    if resolve(catalog.routes.default, catalog, day, overridden) is None:
        found[Finding("error", "default", f"{when} {catalog.routes.default} is dead: change routes.toml")] = None
    return list(found)


def check_prices(catalog: Catalog, rows: Mapping[str, PriceRow], today: date) -> list[Finding]:
    """A warning for every price that the file and the catalogue do not agree on; what only one has is counted."""
    pairs = compare_prices(catalog, rows, today)
    agreeing = count_agreeing(catalog, rows, today)
    found = [Finding("warning", "prices", str(pair)) for pair in pairs if pair.kind == "differs"]
    alone = [sum(pair.kind == kind for pair in pairs) for kind in ("not in the file", "not in the catalogue")]
    summary = f"{agreeing} agree, {alone[0]} are only in the catalogue, {alone[1]} only in the file"
    return [*found, Finding("ok" if agreeing else "warning", "prices", summary)]


def render_findings(findings: Sequence[Finding]) -> Table:
    """The findings as a table for a terminal, the worst first."""
    table = Table(show_edge=False)
    for heading in ("", "about", "finding"):
        table.add_column(heading, overflow="fold")
    for finding in sorted(findings, key=lambda finding: -_CODES[finding.level]):
        # As text: a message may hold what a terminal's markup would swallow.
        table.add_row(Text(finding.level, _STYLES[finding.level]), Text(finding.subject), Text(finding.message))
    return table


def _key(variable: str, is_set: bool, needed_for: set[str]) -> Finding:
    if is_set:
        return Finding("ok", variable, "set")
    if not needed_for:
        return Finding("ok", variable, "not set; no route needs it")
    return Finding("warning", variable, f"not set: {', '.join(sorted(needed_for))} cannot be called")


def _route(intent: str, catalog: Catalog, health: Health, day: date) -> Route:
    """The intent's route with its export model on it."""
    request = replace(PLAIN, quality="high")
    return choose_route(None, Constraints(request, intent=intent), catalog, health, day)


def _errors(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Those that are errors, by what they are about."""
    return {finding.subject: finding for finding in findings if finding.level == "error"}


def _own(route: Route, intent: str, catalog: Catalog) -> list[str]:
    """The rows that answer for the intent's own models."""
    own = catalog.routes.intents[intent].models
    return [candidate.row.name for candidate in route.taken if candidate.row and candidate.model in own]
