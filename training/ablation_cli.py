"""`prompt-intent ablation`: what each part of the classifier buys, as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from classifier.home import Home
from training.bundle_reference import bundle_reference
from training.config import DATA_FILE, DEFAULT_ENCODER, TEST_FILE

ablation_app = typer.Typer()

_GOLD = f"test={TEST_FILE}"


@ablation_app.command()
def ablation(
    gold: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help=f"Labelled prompts to score on, any number of files. [{_GOLD}]"),
    ] = None,
    data: Annotated[Path, typer.Option(help="Labelled prompts that the baselines are trained on.")] = DATA_FILE,
    model: Annotated[str | None, typer.Option(help="Version, alias, bundle or URI; the champion by default.")] = None,
    encoder: Annotated[str, typer.Option(help="The frozen encoder of the baselines.")] = DEFAULT_ENCODER,
    seed: int = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to put on the page.")] = None,
    output: Annotated[Path | None, typer.Option(help="Markdown file to write. Default: print it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare simple methods, trained on the same prompts, with the classifier and with it made blind to its features.

    Majority, keyword rule, TF-IDF, nearest neighbours, utterance routing, frozen embeddings and surface features alone:
    each on every gold file, with 95 % intervals, paired differences and slices.
    """
    files = _gold_files(gold or [_GOLD])
    from classifier.bundle import read_manifest  # noqa: PLC0415 - heavy imports wait until a command runs
    from classifier.champion import locate  # noqa: PLC0415
    from classifier.model import IntentClassifier  # noqa: PLC0415
    from training.ablation import AblationConfig, ablate  # noqa: PLC0415
    from training.ablation_table import markdown  # noqa: PLC0415
    from training.progress import Bars  # noqa: PLC0415

    folder = locate(bundle_reference(model))
    classifier, manifest = IntentClassifier.from_pretrained(folder, threads), read_manifest(folder)
    config = AblationConfig(files, data, encoder, seed, threads)
    with Bars(Console(stderr=True)) as progress:
        result = ablate(config, classifier, manifest, Home.from_env(), progress)
    day = date.date().isoformat() if date else None
    page = markdown(result, config, model, day, str(output or "docs/ablation.md"))
    if output is not None:
        output.write_text(page, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(result.to_json() | {"date": day}))
    else:
        typer.echo(page if output is None else f"wrote {output}")


def _gold_files(pairs: Sequence[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for pair in pairs:
        name, separator, file = pair.partition("=")
        if not (name and separator and file):
            raise typer.BadParameter(f"{pair!r} is no NAME=FILE, such as {_GOLD}", param_hint="--gold")
        if name in files:
            raise typer.BadParameter(f"the name {name!r} is given twice", param_hint="--gold")
        if not Path(file).is_file():
            raise typer.BadParameter(f"{file}: no such file", param_hint="--gold")
        files[name] = Path(file)
    return files
