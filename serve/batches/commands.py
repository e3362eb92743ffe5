"""`prompt-intent generate`: its options, and nothing that is slow to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()

_Prompt = Annotated[str | None, typer.Argument(help="What to draw; or use --input.")]
_Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        help="Many prompts: a file (.txt, .jsonl, .csv), - for a pipe, or a folder of .txt files. A row's own size, n, "
        "model and so on go before the options given here.",
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o",
        help="The picture's file, whose ending asks for its format; with --input, the folder of the batch.",
    ),
]  # fmt: skip
_Explain = Annotated[bool, typer.Option("--explain", help="Show the decision: why this model, and what moved it.")]
_Model = Annotated[str | None, typer.Option(help="An image model's name (see `prompt-intent models`), or auto.")]
_Intent = Annotated[str | None, typer.Option(help="Overrides the classifier: preview, text_heavy, complex_logic.")]
_N = Annotated[int | None, typer.Option("--n", "-n", min=1, help="Pictures of each prompt.")]
_Size = Annotated[str | None, typer.Option(metavar="WxH", help="Pixels, such as 1024x1024.")]
_Ratio = Annotated[str | None, typer.Option(metavar="W:H", help="Such as 16:9.")]
_Quality = Annotated[str | None, typer.Option(help="high on a preview asks for the final picture.")]
_Seed = Annotated[int | None, typer.Option(help="Where the model takes one.")]
_Negative = Annotated[str | None, typer.Option(help="What not to draw, where the model takes it.")]
_Format = Annotated[str | None, typer.Option(help="png, jpeg or webp, where the model can choose.")]
_MaxCost = Annotated[
    float | None, typer.Option(min=0, metavar="USD", help="Most US dollars to spend; for a batch, on all of it.")
]
_Deadline = Annotated[
    int | None, typer.Option(min=1, max=86_400_000, metavar="MS", help="Milliseconds a prompt may take.")
]
_Optimize = Annotated[
    str | None, typer.Option(metavar="WEIGHTS", help="What counts, such as quality=1,cost=2 (and speed).")
]
_Concurrency = Annotated[int, typer.Option(min=1, max=64, help="Prompts of a batch being drawn at once.")]
_RowFormat = Annotated[str | None, typer.Option("--format", help="txt, jsonl or csv, where the name does not say.")]
_Rebill = Annotated[
    bool,
    typer.Option("--rebill", help="Draw again, and maybe pay twice, what may have been billed without a picture."),
]
_Force = Annotated[bool, typer.Option("--force", help="Overwrite files that are there already.")]
_Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Have a service draw that runs already, such as http://127.0.0.1:8000."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@app.command()
def generate(
    prompt: _Prompt = None,
    input_: _Input = None,
    output: _Output = None,
    explain: _Explain = False,
    model: _Model = None,
    intent: _Intent = None,
    n: _N = None,
    size: _Size = None,
    aspect_ratio: _Ratio = None,
    quality: _Quality = None,
    seed: _Seed = None,
    negative_prompt: _Negative = None,
    output_format: _Format = None,
    max_cost: _MaxCost = None,
    deadline_ms: _Deadline = None,
    optimize: _Optimize = None,
    concurrency: _Concurrency = 4,
    format_: _RowFormat = None,
    rebill: _Rebill = False,
    force: _Force = False,
    url: _Url = None,
    as_json: _AsJson = False,
) -> None:
    """Draw a prompt, or many, with the model that each calls for; costs stay under --max-cost.

    A batch resumes: the same command skips what is done and tries again what failed. Exit codes: 0 all is drawn,
    1 some failed or the ceiling was reached, 2 wrong usage.
    """
    _check(prompt, input_, output, explain, format_)
    options = _given(
        model=model, intent=intent, n=n, size=size, aspect_ratio=aspect_ratio, quality=quality, seed=seed,
        negative_prompt=negative_prompt, output_format=output_format,
    )  # fmt: skip
    wishes = _given(optimize=_weights(optimize), deadline_ms=deadline_ms)

    from serve.batches.runs import Wanted, generate_many, generate_one  # noqa: PLC0415 - not for --help

    wanted = Wanted(options, wishes, max_cost, url, force, as_json)
    if prompt is not None:
        code = generate_one(prompt, output, explain, wanted)
    else:
        code = generate_many(input_ or "", format_, output or Path(), concurrency, rebill, wanted)  # type: ignore[arg-type]
    if code:
        raise typer.Exit(code)


def _check(prompt: str | None, input_: str | None, output: Path | None, explain: bool, format_: str | None) -> None:
    if (prompt is None) == (input_ is None):
        raise typer.BadParameter("give a prompt, or --input FILE")
    if input_ is not None and output is None:
        raise typer.BadParameter("name the folder of the batch", param_hint="--output")
    if input_ is not None and explain:
        raise typer.BadParameter("takes one prompt, not --input", param_hint="--explain")
    if format_ not in (None, "jsonl", "txt", "csv"):
        raise typer.BadParameter("jsonl, txt or csv", param_hint="--format")


def _given(**fields: Any) -> dict[str, Any]:
    """The options that were given; 0 and "" are values."""
    return {name: value for name, value in fields.items() if value is not None}


def _weights(text: str | None) -> dict[str, float] | None:
    """Weights by criterion; a criterion without a number weighs 1."""
    if text is None:
        return None
    weights = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            weights[name.strip()] = float(number) if number.strip() else 1.0
        except ValueError as error:
            raise typer.BadParameter(f"{part}: expected NAME=NUMBER", param_hint="--optimize") from error
    return weights
