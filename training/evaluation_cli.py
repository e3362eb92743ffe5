"""`prompt-intent evaluate` and `compare`: how good a classifier is, and what another one does differently."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.bundle_reference import bundle_reference
from training.config import TEST_FILE

if TYPE_CHECKING:
    from training.evaluation import Evaluation, Probabilities
    from training.gold import Gold
    from training.rivals import Rival

evaluation_app = typer.Typer()

_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@evaluation_app.command()
def evaluate(
    gold: Annotated[
        Path, typer.Option(help="Labelled prompts: `prompt` and `intent` (or `label`), optional `second`.")
    ] = TEST_FILE,
    model: Annotated[str | None, typer.Option(help="Version, alias, bundle or URI; the champion by default.")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write a self-contained HTML report to this file.")] = None,
    baselines: Annotated[
        Path | None, typer.Option(help="More baselines for the report: a JSON array of figures on the same rows.")
    ] = None,
    as_json: _JsonOption = False,
) -> None:
    """Score a classifier on a labelled file, beside the keyword rule; every figure with its 95 % interval."""
    from classifier.champion import locate  # noqa: PLC0415 - heavy imports wait until a command runs
    from classifier.model import IntentClassifier  # noqa: PLC0415
    from training.evaluation import evaluate as score  # noqa: PLC0415
    from training.gold import load_gold  # noqa: PLC0415
    from training.report import print_evaluation  # noqa: PLC0415
    from training.rivals import read_rivals, rule_gap  # noqa: PLC0415

    if baselines is not None and report is None:
        raise typer.BadParameter("--baselines is for the report: name its file with --report")
    folder = locate(bundle_reference(model))
    classifier = IntentClassifier.from_pretrained(folder)
    rows = load_gold(gold, classifier.classes_)
    further = read_rivals(baselines, rows) if baselines is not None else []
    probabilities = classifier.predict_proba([row.prompt for row in rows])
    result = score(rows, probabilities, classifier.classes_, classifier.threshold)
    if report is not None:
        _write_page(report, folder, str(gold), rows, probabilities, result, further)
    rule = rule_gap(rows, probabilities, classifier.classes_)
    if as_json:
        typer.echo(json.dumps(result.to_json() | {"keyword_rule": asdict(rule), "bundle": classifier.version}))
        return
    console = Console()
    print_evaluation(console, f"{gold}, bundle {classifier.version[:12]}", result)
    console.print(f"against the keyword rule: {rule}", highlight=False, markup=False)
    if report is not None:
        console.print(f"report {report}", highlight=False, markup=False, soft_wrap=True)


@evaluation_app.command()
def compare(
    ours: Annotated[str, typer.Argument(help="Version, alias, bundle folder or URI.")],
    theirs: Annotated[str, typer.Argument(help="The one to compare with.")],
    test: Annotated[Path, typer.Option("--test", help="Frozen test prompts.")] = TEST_FILE,
    as_json: _JsonOption = False,
) -> None:
    """Score two classifiers on the same test prompts: their difference, and each prompt that changed."""
    from classifier.model import IntentClassifier  # noqa: PLC0415
    from training.comparison import agreement, changes, compare_flags, counted  # noqa: PLC0415
    from training.evaluation import label_hits  # noqa: PLC0415
    from training.gold import load_gold  # noqa: PLC0415
    from training.report import print_changes  # noqa: PLC0415

    first, second = (IntentClassifier.from_pretrained(bundle_reference(side)) for side in (ours, theirs))
    gold = load_gold(test, first.classes_)
    prompts = [row.prompt for row in gold]
    said = [[side.classes_[i] for i in side.predict_proba(prompts).argmax(axis=1)] for side in (first, second)]
    strict = [label_hits(gold, labels)[0] for labels in said]
    result, rows = compare_flags(strict[0], strict[1], gold), agreement(strict[0], strict[1])
    found = changes(gold, said[0], said[1])
    if as_json:
        changed = {"counts": counted(found), "changes": [asdict(change) for change in found]}
        typer.echo(json.dumps(asdict(result) | {"agreement": asdict(rows)} | changed))
        return
    console = Console()
    for line in (f"{ours} against {theirs}: {result}", str(rows)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    print_changes(console, found)


def _write_page(
    path: Path, folder: Path, gold_path: str, gold: Sequence[Gold], probabilities: Probabilities, result: Evaluation,
    further: Sequence[Rival],
) -> None:  # fmt: skip
    from classifier.bundle import bundle_id, read_manifest  # noqa: PLC0415
    from training.html_report import Subject, render, write_report  # noqa: PLC0415
    from training.provenance import provenance  # noqa: PLC0415

    origin = provenance(command_line(), datetime.now(UTC).date())
    subject = Subject(
        bundle_id(folder), read_manifest(folder), gold_path, gold, probabilities, result, origin, further=further
    )
    write_report(render(subject), path)


def command_line() -> str:
    """This run's own command, to be typed again."""
    return shlex.join(["prompt-intent", *sys.argv[1:]])
