"""`prompt-intent models` and `prompt-intent doctor`: the catalogue on one day, and what is wrong with the set-up.

Both read settings and files, and call no vendor unless `doctor` is told to with --live.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # the command line is put together without pydantic
    from serve.catalog import Catalog
    from serve.checkup import Finding
    from serve.settings import Settings
    from serve.targets import Targets

app = typer.Typer()

_Profile = Annotated[str, typer.Option(envvar="PROMPT_INTENT_PROFILE", help="The routes to look at: story or live.")]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Day = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], metavar="DATE", help="Another day than today.")
]
_Prices = Annotated[Path | None, typer.Option(help="JSON file of prices to compare the catalogue's with.")]

_Live = Annotated[bool, typer.Option("--live", help="Also try each dialect by real calls, one picture each.")]
_MaxCost = Annotated[float, typer.Option(min=0, help="US dollars that --live may spend.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Spend them without asking.")]


@app.command()
def models(on: _Day = None, as_json: _AsJson = False) -> None:
    """List every model's name, what is called for it, its price and the dates of its life."""
    from rich.console import Console  # noqa: PLC0415

    from serve.catalog import load_catalog  # noqa: PLC0415
    from serve.model_table import model_lines, render_models  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415

    settings, day = Settings.load(), _day(on)
    catalog = load_catalog(classes=(), profile=settings.profile, own_file=settings.catalog)
    lines = model_lines(catalog, _real_targets(settings, catalog).health(), day)
    if as_json:
        typer.echo(json.dumps([line.to_json() for line in lines], indent=2))
    else:
        Console().print(render_models(lines, day))


@app.command()
def doctor(
    on: _Day = None,
    prices: _Prices = None,
    profile: _Profile = "story",
    live: _Live = False,
    max_cost: _MaxCost = 0.25,
    yes: _Yes = False,
    as_json: _AsJson = False,
) -> None:
    """Check keys, sunsets and routes, today or --on a day to come and 60 days ahead, and prices.

    With --live each dialect is tried on its vendor, for a few cents; without keys, on the sandbox.

    Exit codes: 0 all is fine, 1 warnings, 2 errors.
    """
    from rich.console import Console  # noqa: PLC0415

    from serve.checkup import exit_code, render_findings  # noqa: PLC0415

    day = _day(on)
    found = _examine(day, prices, profile)
    if live:
        found += _examine_live(profile, max_cost, confirmed=yes)
    code = exit_code(found)
    if as_json:
        status = ("ok", "warnings", "errors")[code]
        rows = [{"level": one.level, "subject": one.subject, "message": one.message} for one in found]
        typer.echo(json.dumps({"status": status, "on": day.isoformat(), "findings": rows}, indent=2))
    else:
        Console().print(render_findings(found))
    raise typer.Exit(code)


def _examine(day: date, prices: Path | None, profile: str) -> list[Finding]:
    """All findings; what cannot even be read is one."""
    from serve.checkup import (  # noqa: PLC0415
        Finding,
        check_coming_routes,
        check_keys,
        check_prices,
        check_routes,
        check_sunsets,
    )
    from serve.errors import ServiceError  # noqa: PLC0415
    from serve.prices import read_prices  # noqa: PLC0415

    try:
        settings, catalog, targets = _set_up(profile)
        health = _real_targets(settings, catalog).health()
        found = [
            *(Finding("warning", "sandbox", line) for line in targets.warnings),
            *check_keys(catalog, health, day, sandbox=settings.sandbox != "off"),
            *check_sunsets(catalog, health.overridden, day),
            *check_routes(catalog, health.overridden, day),
            *check_coming_routes(catalog, health.overridden, day),
        ]
        return found if prices is None else [*found, *check_prices(catalog, read_prices(prices), day)]
    except ServiceError as error:
        return [Finding("error", "set-up", str(error))]


def _examine_live(profile: str, max_cost: float, *, confirmed: bool) -> list[Finding]:
    """What real calls show, once whoever pays for them agrees; a set-up that cannot be read was a finding before."""
    from serve.checkup import Finding  # noqa: PLC0415
    from serve.conformance import plan_trials, try_live, within  # noqa: PLC0415
    from serve.errors import ServiceError  # noqa: PLC0415

    try:
        settings, catalog, targets = _set_up(profile)
    except ServiceError:
        return []
    today = _day(None)
    trials, left = within(plan_trials(catalog, targets, today), max_cost)
    bill = f"{len(trials)} picture(s) for about ${sum(trial.usd for trial in trials):.2f}"
    if not targets.sandbox and trials and not confirmed and not _agree_to(bill):
        return [*left, Finding("warning", "live", f"not tried: {bill} were not agreed to; --yes agrees")]
    where = "the sandbox in the vendors' place, so nothing is paid" if targets.sandbox else bill
    found = asyncio.run(try_live(settings, catalog, targets, trials, today))
    return [Finding("ok", "live", f"tried on {where}"), *found, *left]


def _agree_to(bill: str) -> bool:
    try:
        return typer.confirm(f"{bill}: go on?", err=True)
    except typer.Abort:
        # Nobody is there to ask, or Ctrl-C: no reason to lose what was found before.
        return False


def _set_up(profile: str) -> tuple[Settings, Catalog, Targets]:
    """As a service that starts now would have it."""
    from serve.catalog import load_catalog  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415
    from serve.targets import Targets  # noqa: PLC0415

    settings = Settings.load()
    catalog = load_catalog(classes=(), profile=profile, own_file=settings.catalog)
    return settings, catalog, Targets.from_settings(settings, catalog)


def _day(on: datetime | None) -> date:
    return datetime.now(UTC).date() if on is None else on.date()


def _real_targets(settings: Settings, catalog: Catalog) -> Targets:
    """The vendors are what keys and dates are about, also where the sandbox answers for them."""
    from serve.targets import Targets  # noqa: PLC0415

    return Targets.from_settings(settings.model_copy(update={"sandbox": "off"}), catalog)
