"""`prompt-intent models` and `prompt-intent doctor`: the catalogue on one day, and what is wrong with the set-up.

Both read settings and files, and call no vendor.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # the command line is put together without pydantic
    from serve.checkup import Finding
    from serve.settings import Settings

app = typer.Typer()

_Profile = Annotated[str, typer.Option(envvar="PROMPT_INTENT_PROFILE", help="The routes to look at: story or live.")]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Day = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], metavar="DATE", help="Another day than today.")
]
_Prices = Annotated[Path | None, typer.Option(help="JSON file of prices to compare the catalogue's with.")]


@app.command()
def models(on: _Day = None, as_json: _AsJson = False) -> None:
    """List every model's name, what is called for it, its price and the dates of its life."""
    from rich.console import Console  # noqa: PLC0415

    from serve.catalog import load_catalog  # noqa: PLC0415
    from serve.model_table import model_lines, render_models  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415
    from serve.targets import Targets  # noqa: PLC0415

    settings, day = Settings.load(), _day(on)
    catalog = load_catalog(classes=(), profile=settings.profile, own_file=settings.catalog)
    lines = model_lines(catalog, Targets.from_settings(_without_sandbox(settings), catalog).health(), day)
    if as_json:
        typer.echo(json.dumps([line.to_json() for line in lines], indent=2))
    else:
        Console().print(render_models(lines, day))


@app.command()
def doctor(on: _Day = None, prices: _Prices = None, profile: _Profile = "story", as_json: _AsJson = False) -> None:
    """Check keys, sunsets within 60 days, routes and prices, as they are today or --on a day to come.

    Exit codes: 0 all is fine, 1 warnings, 2 errors.
    """
    from rich.console import Console  # noqa: PLC0415

    from serve.checkup import exit_code, render_findings  # noqa: PLC0415

    day = _day(on)
    found = _examine(day, prices, profile)
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
    from serve.catalog import load_catalog  # noqa: PLC0415
    from serve.checkup import Finding, check_keys, check_prices, check_routes, check_sunsets  # noqa: PLC0415
    from serve.errors import ServiceError  # noqa: PLC0415
    from serve.prices import read_prices  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415
    from serve.targets import Targets  # noqa: PLC0415

    try:
        settings = Settings.load()
        catalog = load_catalog(classes=(), profile=profile, own_file=settings.catalog)
        health = Targets.from_settings(_without_sandbox(settings), catalog).health()
        found = [
            *(Finding("warning", "sandbox", line) for line in Targets.from_settings(settings, catalog).warnings),
            *check_keys(catalog, health, day, sandbox=settings.sandbox != "off"),
            *check_sunsets(catalog, health.overridden, day),
            *check_routes(catalog, health.overridden, day),
        ]
        return found if prices is None else [*found, *check_prices(catalog, read_prices(prices), day)]
    except ServiceError as error:
        return [Finding("error", "set-up", str(error))]


def _day(on: datetime | None) -> date:
    return datetime.now(UTC).date() if on is None else on.date()


def _without_sandbox(settings: Settings) -> Settings:
    """The real vendors are what keys and dates are about, also where the sandbox answers for them."""
    return settings.model_copy(update={"sandbox": "off"})
