"""`prompt-intent data`: commands about the labelled prompts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.config import Effort, TrainConfig, tuning
from training.errors import DatasetError

if TYPE_CHECKING:
    from training.file_check import FileReport

DEFAULT_FILE = Path("data/prompts.jsonl")
DEFAULT_TEST_FILE = Path("data/test.jsonl")

# What numpy's generators take.
SeedOption = Annotated[int, typer.Option(min=0, max=2**32 - 1)]

data_app = typer.Typer(name="data", help="Look after the labelled prompts.", no_args_is_help=True)


@data_app.callback()
def data() -> None:
    """Look after the labelled prompts."""


@data_app.command("check")
def check_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help=f"JSONL files. Default: {DEFAULT_FILE} and {DEFAULT_TEST_FILE}."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="A file none of whose prompts or groups may be in FILE."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check prompt files: schema, duplicates, label conflicts, near-duplicates, leaks, too-regular wording, balance.

    Exit 0: nothing that fails. Exit 1: at least one error. Exit 2: a file cannot be read.
    """
    from training.report_output import json_report  # noqa: PLC0415

    reports = [_checked(path, other) for path, other in _comparisons(files or [], against)]
    if as_json:
        typer.echo(json_report(reports))
    else:
        _show(reports)
    raise typer.Exit(any(report.report.failed for report in reports))


@data_app.command("suspects")
def suspects_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled prompts, JSON lines.")] = DEFAULT_FILE,
    effort: Annotated[Effort, typer.Option(help="How the judges are trained; as in `train`.")] = "quick",
    parts: Annotated[int, typer.Option(min=2, help="Parts the groups are cut into; each is judged by the others.")] = 3,
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List rows whose label is probably wrong, the least believed first: judged by classifiers that never saw them."""
    from training.dataset import load_prompts  # noqa: PLC0415 - heavy imports wait until a command runs
    from training.label_errors import cross_validated, suspects, workload  # noqa: PLC0415
    from training.progress import Bars  # noqa: PLC0415

    config = TrainConfig(file, seed=seed, threads=threads, fine_tuning=tuning(effort, seed))
    rows = load_prompts(file)
    with Bars(Console(stderr=True)) as progress:
        progress.stage("judging", workload(len(rows), config, parts))
        found = suspects(rows, cross_validated(rows, config, parts, progress.advance))
    for suspect in found:
        row = {"said": suspect.said, "confidence": round(suspect.confidence, 4), "intent": suspect.row.intent}
        line = json.dumps(row | {"prompt": suspect.row.prompt}, ensure_ascii=False)
        shown = f"{suspect.confidence:.2f} {suspect.said}, labelled {suspect.row.intent}: {suspect.row.prompt}"
        typer.echo(line if as_json else shown)
    typer.echo(f"{len(found)} of {len(rows)} rows to read again", err=True)


def _comparisons(files: Sequence[Path], against: Path | None) -> list[tuple[Path, Path | None]]:
    """What to check against what: by default the training file against the frozen test set, and that set itself."""
    if files:
        return [(path, against) for path in files]
    if against is not None:
        return [(DEFAULT_FILE, against)]
    return [(DEFAULT_FILE, DEFAULT_TEST_FILE), (DEFAULT_TEST_FILE, None)]


def _checked(path: Path, against: Path | None) -> FileReport:
    from training.file_check import check_file  # noqa: PLC0415

    try:
        return check_file(path, against)
    except DatasetError as error:
        raise typer.BadParameter(str(error)) from error


def _show(reports: Sequence[FileReport]) -> None:
    from training.report_output import plain_lines, tables, verdict  # noqa: PLC0415

    console = Console()
    for report in reports:
        if console.is_terminal:
            console.print(*tables(report), verdict(report), sep="\n", markup=False, highlight=False)
        else:
            for line in plain_lines(report):
                typer.echo(line)
