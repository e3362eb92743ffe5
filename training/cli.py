"""Commands that need labels or the registry: train, evaluate, compare, promote, rollback, register, data."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from classifier.home import Home
from training.ablation_cli import ablation_app
from training.config import DATA_FILE, DEFAULT_ENCODER, TEST_FILE, Effort, TrainConfig, tuning
from training.data_cli import SeedOption, data_app
from training.errors import GateError, RegistryError, TrainingError
from training.evaluation_cli import command_line, evaluation_app
from training.stress_cli import stress_app

if TYPE_CHECKING:
    from training.pipeline import Trained
    from training.registry import Registry

app = typer.Typer()
app.add_typer(data_app, name="data")
app.add_typer(evaluation_app)
app.add_typer(ablation_app)
app.add_typer(stress_app)

TestOption = Annotated[Path, typer.Option("--test", help="Frozen test prompts.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Labelled prompts, JSON lines.")] = DATA_FILE,
    test: TestOption = TEST_FILE,
    encoder: Annotated[str, typer.Option(help="Any sentence-transformers name or folder.")] = DEFAULT_ENCODER,
    seed: SeedOption = 0,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    target_precision: Annotated[
        float, typer.Option(min=0, max=1, help="Of the answered prompts; sets when to abstain.")
    ] = 0.97,
    effort: Annotated[
        Effort,
        typer.Option(help="best: several passes of fine-tuning; quick: one; frozen: the encoder stays as it is."),
    ] = "best",
    as_json: JsonOption = False,
) -> None:
    """Train a classifier, log it to MLflow, register it as @challenger; the first promotes itself if it is good."""
    from classifier.champion import read_champions  # noqa: PLC0415 - heavy imports wait until a command runs
    from training.html_report import write_report  # noqa: PLC0415
    from training.pipeline import train_bundle  # noqa: PLC0415
    from training.progress import Bars  # noqa: PLC0415

    home, console = Home.from_env(), Console(stderr=as_json)
    config = TrainConfig(
        data, test, encoder, seed=seed, threads=threads, target_precision=target_precision,
        fine_tuning=tuning(effort, seed),
    )  # fmt: skip
    home.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.cache, prefix="training-") as folder:
        with Bars(console) as progress:
            progress.stage("reaching MLflow")
            registry = _ready_registry(home)
            trained = train_bundle(config, Path(folder), progress)
            progress.stage("logging to MLflow")
            with _kept_if_not_logged(home, trained):
                page = _page(trained, config)
                run_id, version = registry.log_training(trained, config, page)
        _show_training(console, trained, run_id, version)
        refusal = None if read_champions(home) else _promote_first(console, home, registry, test, version)
        report = home.reports / f"{trained.bundle[:12]}.html"
        write_report(page, report)
        console.print(f"report {report}", highlight=False, markup=False, soft_wrap=True)
        if as_json:
            row = _training_row(trained, run_id, version, refusal is None) | {"report": str(report)}
            typer.echo(json.dumps(row))
    if refusal is not None:
        raise refusal


@app.command()
def promote(
    version: Annotated[str | None, typer.Argument(help="Registered version; @challenger by default.")] = None,
    test: TestOption = TEST_FILE,
    as_json: JsonOption = False,
) -> None:
    """Make a version the champion that classify and serve use, if it is not worse than the one before."""
    from training.promotion import promote as move  # noqa: PLC0415
    from training.registry import Registry  # noqa: PLC0415

    home = Home.from_env()
    champion, comparison = move(home, Registry(home), test, _warn, version)
    row = asdict(champion) | {"comparison": asdict(comparison)}
    typer.echo(json.dumps(row) if as_json else f"champion is version {champion.version}: {comparison}")


@app.command()
def rollback(as_json: JsonOption = False) -> None:
    """Return to the champion before this one."""
    from training.promotion import rollback as move  # noqa: PLC0415
    from training.registry import Registry  # noqa: PLC0415

    home = Home.from_env()
    champion = move(home, Registry(home))
    typer.echo(json.dumps(asdict(champion)) if as_json else f"champion is version {champion.version} again")


@app.command()
def register(
    run_id: Annotated[str, typer.Argument(help="An MLflow run that logged a bundle, from any machine on the store.")],
    as_json: JsonOption = False,
) -> None:
    """Register the bundle of a run as a new version and @challenger."""
    from training.registry import Registry  # noqa: PLC0415

    version = Registry(Home.from_env()).register_run(run_id)
    typer.echo(
        json.dumps({"version": version, "run_id": run_id})
        if as_json
        else f"registered as version {version}, @challenger"
    )


def _ready_registry(home: Home) -> Registry:
    """The registry, reached; what would stop a training after it has run shall stop it before."""
    from classifier.champion import read_champions  # noqa: PLC0415
    from training.registry import Registry  # noqa: PLC0415

    read_champions(home)
    registry = Registry(home)
    registry.reach()
    return registry


@contextmanager
def _kept_if_not_logged(home: Home, trained: Trained) -> Iterator[None]:
    """Whatever keeps a training out of the registry, what took the time outlasts this process."""
    from classifier.champion import keep_bundle  # noqa: PLC0415

    try:
        yield
    except Exception as error:  # stores fail in as many ways as there are stores
        kept = keep_bundle(home, trained.folder, bring=shutil.move)
        reason = str(error) if isinstance(error, TrainingError) else repr(error)
        raise RegistryError(
            f"{reason}; the trained bundle is kept: `prompt-intent evaluate --model {kept}` scores it, "
            f"PROMPT_INTENT_MODEL={kept} serves it"
        ) from error


def _warn(text: str) -> None:
    typer.echo(f"warning: {text}", err=True)


def _page(trained: Trained, config: TrainConfig) -> str:
    from training.html_report import Subject, render  # noqa: PLC0415
    from training.provenance import provenance  # noqa: PLC0415

    origin = provenance(command_line(), datetime.now(UTC).date())
    return render(
        Subject(
            trained.bundle, trained.manifest, str(config.test), trained.gold, trained.probabilities,
            trained.evaluation, origin, training=(str(config.data), trained.rows),
        )
    )  # fmt: skip


def _promote_first(console: Console, home: Home, registry: Registry, test: Path, version: str) -> GateError | None:
    from training.promotion import promote as move  # noqa: PLC0415

    try:
        champion, comparison = move(home, registry, test, _warn, version)
    except GateError as error:
        return error
    console.print(f"first champion: version {champion.version} beats the keyword rule, {comparison}", soft_wrap=True)
    return None


def _show_training(console: Console, trained: Trained, run_id: str, version: str) -> None:
    from training.report import print_evaluation  # noqa: PLC0415

    print_evaluation(console, f"test set, {trained.evaluation.n} prompts never trained on", trained.evaluation)
    console.print(f"temperature {trained.manifest.temperature:.3f}  abstains under {trained.manifest.threshold:.4f}")
    console.print(f"bundle {trained.bundle}\nMLflow run {run_id}, version {version} @challenger", highlight=False)


def _training_row(trained: Trained, run_id: str, version: str, good: bool) -> dict[str, Any]:
    return {
        "bundle": trained.bundle, "run_id": run_id, "version": version, "passed": good,
        "threshold": trained.manifest.threshold, "evaluation": trained.evaluation.to_json(),
    }  # fmt: skip
