"""The rates of `rates.toml`, measured: `python tests/behaviour/measure.py [--model REF] [--as-tested]`.

Prints a table, then every failing case; the thresholds are then written by hand, a few points under what is measured.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from classifier import IntentClassifier
from tests.behaviour.capability import Outcome, judge, load_cases
from training.bundle_reference import bundle_reference


def main(
    model: Annotated[str | None, typer.Option(help="Version, alias, bundle folder or URI [the champion].")] = None,
    as_tested: Annotated[
        bool, typer.Option("--as-tested", help="Train the small classifier of the tests and measure that one.")
    ] = False,
) -> None:
    """Print the rate of each capability, worst first, and the failing cases."""
    with tempfile.TemporaryDirectory() as folder:
        reference = str(_small_bundle(Path(folder))) if as_tested else bundle_reference(model)
        outcomes = judge(IntentClassifier.from_pretrained(reference, threads=2), load_cases())
    _print(sorted(outcomes, key=lambda outcome: outcome.rate))


def _small_bundle(folder: Path) -> Path:
    from tests.conftest import train_on_a_part  # it closes the network: for this path only

    return train_on_a_part(folder).bundle


def _print(outcomes: list[Outcome]) -> None:
    console = Console()
    table = Table("capability", "rate", "passed", "cases")
    for outcome in outcomes:
        passed = outcome.cases - len(outcome.faults)
        table.add_row(outcome.capability, f"{outcome.rate:.3f}", str(passed), str(outcome.cases))
    cases, faults = sum(o.cases for o in outcomes), sum(len(o.faults) for o in outcomes)
    table.add_row("all", f"{1 - faults / cases:.3f}", str(cases - faults), str(cases))
    console.print(table)
    for outcome in outcomes:
        for fault in outcome.faults:
            console.print(f"{outcome.capability}: {fault}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
