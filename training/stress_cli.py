"""`prompt-intent stress`: whether edits that change nothing flip the label, and gadgets make a preview dearer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from training.config import TEST_FILE

if TYPE_CHECKING:
    from rich.table import Table

    from training.robustness import Flips, Pushes, Robustness, Share

stress_app = typer.Typer()


@stress_app.command()
def stress(
    gold: Annotated[
        Path, typer.Option(help="Labelled prompts: `prompt` and `intent` (or `label`), optional `group`.")
    ] = TEST_FILE,
    model: Annotated[str | None, typer.Option(help="Version, alias, bundle or URI; the champion by default.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Variants of a prompt by each perturbation, at most.")] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count labels that flip under typos, case, style words, politeness and flags, and previews that gadgets push."""
    from classifier.model import IntentClassifier  # noqa: PLC0415 - heavy imports wait until a command runs
    from training.bundle_reference import bundle_reference  # noqa: PLC0415
    from training.gold import load_gold  # noqa: PLC0415
    from training.progress import Bars  # noqa: PLC0415
    from training.robustness import measure, workload  # noqa: PLC0415

    classifier = IntentClassifier.from_pretrained(bundle_reference(model), threads)
    rows = load_gold(gold, classifier.classes_)
    with Bars(Console(stderr=True)) as progress:
        progress.stage("classifying", workload(rows, draws))
        result = measure(classifier, rows, seed, draws, progress.advance)
    if as_json:
        typer.echo(json.dumps(result.to_json() | {"gold": str(gold), "bundle": classifier.version}))
    else:
        _show(Console(), f"{gold}, {len(rows)} prompts, bundle {classifier.version[:12]}", result)


def _show(console: Console, title: str, result: Robustness) -> None:
    console.print(title, markup=False, highlight=False)
    console.print(_flip_table(result.flips))
    if result.pushes is None:
        console.print("no preview prompt is classified as one: nothing to push")
        return
    console.print(_push_table(result.pushes))


def _flip_table(flips: Flips) -> Table:
    table = _table("label flips under")
    for name, share in flips.by_perturbation.items():
        table.add_row(name, *_cells(share))
    table.add_section()
    table.add_row(f"mean of the {len(flips.by_perturbation)}", *_cells(flips.mean))
    table.add_row(f"worst: {flips.worst}", *_cells(flips.by_perturbation[flips.worst]))
    return table


def _push_table(pushes: Pushes) -> Table:
    table = _table("previews pushed to a dearer class by")
    for name, share in sorted(pushes.by_gadget.items(), key=lambda item: -item[1].value):
        table.add_row(name, *_cells(share))
    table.add_section()
    table.add_row(f"mean of the {len(pushes.by_gadget)}", *_cells(pushes.mean))
    table.add_row(f"worst: {pushes.worst}", *_cells(pushes.by_gadget[pushes.worst]))
    table.add_row("at least one of them", *_cells(pushes.some))
    table.add_row("made to abstain, mean", *_cells(pushes.unsure))
    return table


def _table(heading: str) -> Table:
    from rich.table import Table  # noqa: PLC0415

    table = Table(heading)
    for name in ("share", "95 % interval", "prompts"):
        table.add_column(name, justify="right")
    return table


def _cells(share: Share) -> tuple[str, str, str]:
    low, high = share.interval
    return f"{share.value:.1%}", f"{low:.1%} to {high:.1%}", str(share.n)
