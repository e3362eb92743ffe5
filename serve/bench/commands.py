"""`prompt-intent bench` and `prompt-intent stats`. A bench calls vendors and costs money, `stats` calls nobody."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:  # the command line is put together without pydantic
    from serve.bench.figures import Sample
    from serve.bench.plan import Order
    from serve.bench.record import History, Record
    from serve.bench.session import Bench
    from serve.bench.tables import Layouts

app = typer.Typer()

_Models = Annotated[str | None, typer.Option(help="Names from `prompt-intent models`, with commas between them.")]
_Prompts = Annotated[
    str | None, typer.Option(help="A file of prompts (.txt, .jsonl, .csv; nothing else in it counts), or one.")
]
_Concurrency = Annotated[int, typer.Option(min=1, help="Requests under way at once, all models together.")]
_Runs = Annotated[int, typer.Option(min=1, help="How often each model draws each prompt.")]
_MaxCost = Annotated[
    float | None, typer.Option(min=0, metavar="USD", help="Ceiling in US dollars; needed where vendors are real.")
]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
_Out = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write bench.svg (a plot) and bench.json there.")]
_Compare = Annotated[bool, typer.Option("--compare", help="Set it beside the last whole run of the same.")]
_History = Annotated[bool, typer.Option("--history", help="List the runs that were kept; nobody is called.")]
_Hours = Annotated[float | None, typer.Option(min=0, help="Only requests of the last so many hours.")]


@app.command()
def bench(
    models: _Models = None,
    prompts: _Prompts = None,
    concurrency: _Concurrency = 4,
    runs: _Runs = 5,
    max_cost: _MaxCost = None,
    as_json: _AsJson = False,
    out: _Out = None,
    compare: _Compare = False,
    history: _History = False,
) -> None:
    """Run models side by side: waiting times, errors by cause, cost and bytes. Ctrl-C keeps what was measured.

    The models take turns. Every run is kept under PROMPT_INTENT_HOME/benchmarks, without the prompts.

    Exit codes: 0 done, 1 cut short or refused, 2 wrong usage.
    """
    if history:
        return _show_history(as_json)
    if models is None or prompts is None:
        raise typer.BadParameter("give --models and --prompts, or --history")
    _check_finite("--max-cost", max_cost)
    with _usage_errors():
        prepared = _prepared(models, prompts, concurrency, runs, max_cost)
        orders = prepared.orders()
    record = _run(prepared, _priced(prepared, orders))
    if not any(model.requests for model in record.models):
        typer.echo("nothing was measured, so nothing is kept", err=True)
        raise typer.Exit(1)
    _keep(record, out)
    _show(record, compare, as_json)
    if record.ending != "done":
        raise typer.Exit(1)
    return None


@app.command()
def stats(hours: _Hours = None, as_json: _AsJson = False) -> None:
    """Show the figures of the traffic so far, also while the service runs: the same as GET /v1/stats.

    Breakers and queues are not among them: only the running service knows those.
    """
    from serve.bench.live import read_live_stats  # noqa: PLC0415
    from serve.bench.tables import stats_notes, stats_table  # noqa: PLC0415
    from serve.catalog import load_catalog  # noqa: PLC0415
    from serve.clock import Clock  # noqa: PLC0415
    from serve.gateway_schemas import StatsResponse  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415
    from serve.targets import Targets  # noqa: PLC0415

    _check_finite("--hours", hours)
    settings = Settings.load()
    sandbox = Targets.from_settings(
        settings, load_catalog(classes=(), profile=settings.profile, own_file=settings.catalog)
    ).sandbox
    since = None if hours is None else Clock().now() - hours * 3600
    found = read_live_stats(settings.state.database, since, sandbox)
    if as_json:
        told = StatsResponse.of(found, {}, {}).model_dump(mode="json", exclude={"breakers", "lanes"})
        typer.echo(json.dumps(told | {"sandbox": sandbox}, indent=2))
    else:
        whose = "The sandbox's traffic; with vendors' keys in the environment, theirs." if sandbox else ""
        _print(stats_table(found), [*stats_notes(found), *([whose] if whose else [])])


def _check_finite(option: str, value: float | None) -> None:
    # "nan" is over no limit, so that as a ceiling it would let everything through.
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter("expected a number", param_hint=option)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """What is wrong with the models or the prompts is said as typer says it, with exit code 2."""
    from classifier.errors import RowError  # noqa: PLC0415
    from serve.errors import InvalidRequestError  # noqa: PLC0415

    try:
        yield
    except RowError as error:
        raise typer.BadParameter(str(error), param_hint="--prompts") from error
    except InvalidRequestError as error:
        raise typer.BadParameter(
            str(error), param_hint="--prompts" if error.param == "prompt" else "--models"
        ) from error


def _prepared(models: str, prompts: str, concurrency: int, runs: int, max_cost: float | None) -> Bench:
    from serve.bench.plan import Plan, read_models  # noqa: PLC0415
    from serve.bench.prompts import read_prompts  # noqa: PLC0415
    from serve.bench.session import Bench  # noqa: PLC0415
    from serve.catalog import load_catalog  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415

    settings = Settings.load()
    plan = Plan(read_models(models), read_prompts(prompts), concurrency, runs, max_cost)
    return Bench(plan, settings, load_catalog(classes=(), profile=settings.profile, own_file=settings.catalog))


def _priced(prepared: Bench, orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The requests, once their price is told and, where it is real, capped."""
    from serve.bench.plan import estimates  # noqa: PLC0415

    plan = prepared.plan
    usd, sandbox = estimates(orders), prepared.targets.sandbox
    total, shares = sum(usd.values()), ", ".join(f"{model} {share:.4f}" for model, share in usd.items())
    whose = "of the sandbox's dollars, which nobody pays" if sandbox else "US dollars by the catalogue"
    typer.echo(f"{len(orders)} requests, about {total:.4f} {whose} ({shares})", err=True)
    if plan.max_cost is None and not sandbox:
        raise typer.BadParameter(
            f"missing: vendors will be called and will bill this; --max-cost {math.ceil(total * 100) / 100:.2f} "
            "lets all of it through",
            param_hint="--max-cost",
        )
    if plan.max_cost is not None and total > plan.max_cost:
        typer.echo(f"that is over --max-cost {plan.max_cost:g}: it will be cut short before it passes it", err=True)
    return orders


def _run(prepared: Bench, orders: tuple[Order, ...]) -> Record:
    from serve.bench.session import run_bench  # noqa: PLC0415

    def stopping() -> None:
        typer.echo("stopping: waiting for what is under way and paid for; Ctrl-C again to leave it", err=True)

    # Standard output is for the result: what the service logs on the way goes beside it.
    with redirect_stdout(sys.stderr), _progress(len(orders)) as heard:
        return asyncio.run(run_bench(prepared, orders, heard, stopping))


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Sample], None]]:
    """Something that is told of each sample, and shows it where somebody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("", total=total)
        yield lambda sample: bars.update(task, advance=1, description=sample.model)


def _history() -> History:
    from serve.bench.record import History  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415

    folder = Settings.load().state.root / "benchmarks"
    return History(folder, lambda line: typer.echo(f"prompt-intent: {line}", err=True))


def _keep(record: Record, out: Path | None) -> None:
    from serve.bench.plot import draw_plot  # noqa: PLC0415

    typer.echo(f"kept in {_history().keep(record)}", err=True)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "bench.svg").write_text(draw_plot(record), encoding="utf-8")
        (out / "bench.json").write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _show(record: Record, compared: bool, as_json: bool) -> None:
    from serve.bench.comparison import compare, comparison_json  # noqa: PLC0415
    from serve.bench.tables import bench_notes, bench_table, comparison_table  # noqa: PLC0415

    before = _history().last_equal(record) if compared else None
    measures = [] if before is None else compare(before, record)
    if as_json:
        told: dict[str, Any] = record.model_dump(mode="json")
        beside = {"comparison": comparison_json(before, measures) if before else None} if compared else {}
        typer.echo(json.dumps(told | beside, indent=2))
        return
    _print(bench_table(record), bench_notes(record))
    if before is not None:
        Console().print(comparison_table(before, measures))
    elif compared:
        typer.echo("no earlier whole run of the same models, prompts, runs and concurrency to compare with")


def _show_history(as_json: bool) -> None:
    from serve.bench.tables import history_table  # noqa: PLC0415

    records = list(_history().records())
    if as_json:
        typer.echo(json.dumps([record.model_dump(mode="json") for record in records], indent=2))
    elif records:
        _print(history_table(records), [])
    else:
        typer.echo("no bench was kept yet")


def _print(table: Layouts, notes: list[str]) -> None:
    console = Console()
    console.print(table.fitting(console))
    for note in notes:
        typer.echo(note)
