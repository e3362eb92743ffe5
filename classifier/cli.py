"""The command `prompt-intent`: classifying, and the root that gathers every package's commands.

Packages bring their own typer apps through the entry-point group `prompt_intent.commands`, so that none imports another
for the command line's sake. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TextIO

import typer
from rich.console import Console

from classifier.destinations import check_destinations, clear, create
from classifier.errors import MissingExtraError, PromptIntentError

_GROUP = "prompt_intent.commands"
_EXTRA_OF = {
    "train": {
        "cleanlab",
        "datasketch",
        "jinja2",
        "joblib",
        "matplotlib",
        "mlflow",
        "onnx",
        "pandas",
        "sentence_transformers",
        "sklearn",
        "torch",
    },
    "serve": {"PIL", "fastapi", "httpx", "pydantic", "pydantic_settings", "starlette", "structlog", "uvicorn"},
}

app = typer.Typer()


def root() -> typer.Typer:
    """All packages' commands under one name."""
    command = typer.Typer(
        name="prompt-intent",
        help="Reads the intent of an image prompt and routes it to the image model that is best at it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    # Of our own distribution alone: to look through all that are installed takes forty times as long.
    ours = distribution("prompt-intent").entry_points.select(group=_GROUP)
    for entry in sorted(ours, key=lambda entry: entry.name):
        command.add_typer(entry.load())
    return command


def main() -> None:
    """Run the command line; a known error becomes one line on stderr and exit code 1."""
    try:
        root()()
    except PromptIntentError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        extra = next((name for name, modules in _EXTRA_OF.items() if (error.name or "").split(".")[0] in modules), None)
        if extra is None:
            raise
        _fail(MissingExtraError(f"this command needs {error.name}: pip install 'prompt-intent[{extra}]'"))


def _fail(error: PromptIntentError) -> None:
    typer.echo(f"prompt-intent: {error}", err=True)
    sys.exit(1)


@app.command()
def classify(
    prompts: Annotated[list[str] | None, typer.Argument(help="Prompts to classify; or use --input.")] = None,
    input_: Annotated[
        str | None, typer.Option("--input", help="File of prompts (.jsonl, .txt, .csv), or - for a pipe.")
    ] = None,
    output: Annotated[
        str, typer.Option(help="Where answers go: a .jsonl or .csv file (with an id column), or - for a pipe.")
    ] = "-",
    rejects: Annotated[Path | None, typer.Option(help="Bad rows, as JSON lines [OUTPUT.rejects.jsonl].")] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="jsonl, txt or csv, where the name does not say.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(envvar="PROMPT_INTENT_MODEL", help="Bundle folder or models:/ URI.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the encoder.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    explained: Annotated[bool, typer.Option("--explain", help="Say what moved each decision.")] = False,
) -> None:
    """Say what each prompt wants: preview, text_heavy or complex_logic."""
    if bool(prompts) == bool(input_):
        raise typer.BadParameter("give prompts, or --input FILE")
    if explained and not prompts:
        raise typer.BadParameter("--explain takes prompts, not --input")
    if format_ not in (None, "jsonl", "txt", "csv"):
        raise typer.BadParameter("--format is jsonl, txt or csv")
    if prompts and explained:
        _explain_words(prompts, model, threads, as_json)
    elif prompts:
        _classify_words(prompts, model, threads, as_json)
    else:
        _classify_file(input_ or "-", output, rejects, format_, model, threads)


def _classify_words(prompts: list[str], model: str | None, threads: int, as_json: bool) -> None:
    from classifier.batch import answer  # noqa: PLC0415 - onnxruntime loads with the model, not with --help
    from classifier.model import IntentClassifier  # noqa: PLC0415
    from classifier.rows import Row  # noqa: PLC0415

    predictions = IntentClassifier.from_pretrained(model, threads).predict(prompts)
    answers = [
        answer(Row(n, p), prediction) for n, (p, prediction) in enumerate(zip(prompts, predictions, strict=True), 1)
    ]
    for row in answers:
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else _in_words(row))


def _explain_words(prompts: list[str], model: str | None, threads: int, as_json: bool) -> None:
    from classifier.batch import answer  # noqa: PLC0415
    from classifier.explanation import explain  # noqa: PLC0415
    from classifier.explanation_view import render_explanation  # noqa: PLC0415
    from classifier.model import IntentClassifier  # noqa: PLC0415
    from classifier.rows import Row  # noqa: PLC0415

    classifier = IntentClassifier.from_pretrained(model, threads)
    for number, prompt in enumerate(prompts, 1):
        explanation = explain(classifier, prompt)
        row = answer(Row(number, prompt), explanation.prediction)
        if as_json:
            typer.echo(json.dumps(row | {"explanation": explanation.to_json()}, ensure_ascii=False))
        else:
            typer.echo(_in_words(row))
            Console().print(render_explanation(explanation))


def _in_words(row: dict[str, Any]) -> str:
    shares = "  ".join(f"{label} {p:.1%}" for label, p in row["probabilities"].items())
    unsure = "  (abstains: the default model answers)" if row["abstained"] else ""
    return f"{row['intent']:<14}{row['confidence']:.1%}{unsure}\n  {row['prompt']}\n  {shares}  ood {row['ood']:.0f}"


def _classify_file(
    source: str, target: str, rejects: Path | None, format_: str | None, model: str | None, threads: int
) -> None:
    from classifier.batch import AnswerWriter, classify_rows  # noqa: PLC0415
    from classifier.model import IntentClassifier  # noqa: PLC0415
    from classifier.rows import format_of, read_rows  # noqa: PLC0415

    kind = format_of(source, format_)  # type: ignore[arg-type]
    rejects = rejects or (None if target == "-" else Path(f"{target}.rejects.jsonl"))
    with ExitStack() as stack:
        file = _opened(stack, source)
        check_destinations(source, target, rejects)
        classifier = IntentClassifier.from_pretrained(model, threads)
        writer = AnswerWriter(_created(stack, target), Path(target).suffix == ".csv")
        side = RejectWriter(stack, rejects)
        counted = _Progress(stack, sys.stderr.isatty())
        for row in classify_rows(classifier, read_rows(file, kind), side.write):
            writer.write(row)
            counted.advance()
    side.finish(counted.count)


class RejectWriter:
    """Rejected rows: each on stderr by its number, and in full in a file that exists only if there are any."""

    def __init__(self, stack: ExitStack, path: Path | None) -> None:
        self._stack, self._path = stack, path
        self._file: TextIO | None = None
        self.count = 0
        if path is not None:
            clear(path)

    def write(self, reject: Any) -> None:
        """Tell of one bad row and keep it."""
        self.count += 1
        typer.echo(f"row {reject.number}: {reject.reason}", err=True)
        if self._path is None:
            return
        if self._file is None:
            self._file = self._stack.enter_context(create(self._path))
        row = {"row": reject.number, "reason": reject.reason, "content": reject.content}
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def finish(self, classified: int) -> None:
        """Say what was done; rejected rows make exit code 1."""
        kept = f", kept in {self._path}" if self.count and self._path else ""
        typer.echo(f"{classified} classified, {self.count} rejected{kept}", err=True)
        if self.count:
            raise typer.Exit(1)


class _Progress:
    """A row counter with a bar, where somebody watches."""

    def __init__(self, stack: ExitStack, watched: bool) -> None:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        columns = (SpinnerColumn(), TextColumn("{task.completed} prompts"), TimeElapsedColumn())
        self._bars = stack.enter_context(Progress(*columns, console=Console(stderr=True), disable=not watched))
        self._task = self._bars.add_task("", total=None)
        self.count = 0

    def advance(self) -> None:
        self.count += 1
        self._bars.advance(self._task)


def _opened(stack: ExitStack, source: str) -> BinaryIO:
    if source == "-":
        return sys.stdin.buffer
    if not Path(source).is_file():
        raise typer.BadParameter(f"{source}: no such file")
    return stack.enter_context(Path(source).open("rb"))


def _created(stack: ExitStack, target: str) -> TextIO:
    return sys.stdout if target == "-" else stack.enter_context(create(Path(target)))
