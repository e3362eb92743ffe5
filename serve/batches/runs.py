"""`prompt-intent generate` behind its options: what is read, drawn, printed and returned as exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console

from classifier.rows import RowFormat
from serve.batches.batch import Tally
from serve.batches.bodies import read_body
from serve.batches.items import Reading, read_items, stem_of
from serve.batches.manifest import open_manifest
from serve.batches.picture_files import Target
from serve.batches.plan import BatchRules
from serve.batches.purse import Purse
from serve.batches.session import Drawing, draw_many, draw_one, open_gateway
from serve.batches.view import (
    BatchView,
    drawing_json,
    render_decision,
    render_drawing,
    tally_json,
    tally_lines,
)
from serve.clock import Clock
from serve.errors import InvalidRequestError, NotReadyError, ServiceError
from serve.logs import configure_logging
from serve.schemas import GenerateBody
from serve.settings import Settings

_USAGE = frozenset(GenerateBody.model_fields) - {"max_cost", "deadline_ms"} | {"url", "input"}
# How the service's own message begins, in process and over HTTP.
_NO_CLASSIFIER = "no classifier: "
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options as they were given: only those that were.

    Attributes:
        options: fields of a request that decide what its picture looks like.
        wishes: `optimize` and `deadline_ms`.
        max_cost: US dollars, for the one request or for the whole batch.
        url: of a service that runs; None draws in this process.
    """

    options: Mapping[str, Any]
    wishes: Mapping[str, Any]
    max_cost: float | None = None
    url: str | None = None
    force: bool = False
    as_json: bool = False


def generate_one(prompt: str, output: Path | None, explained: bool, wanted: Wanted) -> int:
    """Draw one prompt; the exit code."""
    limit = {} if wanted.max_cost is None else {"max_cost": wanted.max_cost}
    with _usage_errors():
        target = _target(prompt, output)
        implied = {} if target.format is None else {"output_format": target.format}
        body = read_body(prompt, {**implied, **wanted.options}, {**wanted.wishes, **limit})
        if target.suffix and not wanted.force and (taken := target.taken(body.n or 1)):
            raise typer.BadParameter(f"{taken[0]} exists: name another file, or overwrite it with --force")
        drawing = _run(_draw_one(body, target, explained, wanted))
    _show(drawing, output, explained, wanted)
    return _code(drawing)


def generate_many(
    source: str, kind: RowFormat | None, folder: Path, concurrency: int, rebill: bool, wanted: Wanted
) -> int:
    """Draw the prompts of a file, a pipe or a folder; the exit code."""
    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{folder} is a file: name a folder", param_hint="--output")
    with _usage_errors():
        read_body("any prompt", wanted.options, wanted.wishes)
        reading = read_items(source, kind, wanted.options)
        for reject in reading.rejects:
            typer.echo(f"row {reject.number}: {reject.reason}", err=True)
        rules = BatchRules(concurrency, wanted.wishes, rebill, wanted.force)
        tally, purse = _run(_draw_many(reading, folder, rules, wanted))
    rejected = len(reading.rejects)
    if wanted.as_json:
        typer.echo(json.dumps(tally_json(tally, purse, rejected, folder)))
    else:
        typer.echo("\n".join(tally_lines(tally, purse, rejected, folder)))
    return 0 if tally.complete and not rejected else 1


async def _draw_one(body: GenerateBody, target: Target, explained: bool, wanted: Wanted) -> Drawing:
    async with open_gateway(Settings.load(), wanted.url, Clock()) as gateway:
        return await draw_one(gateway, body, target, force=wanted.force, explained=explained)


async def _draw_many(reading: Reading, folder: Path, rules: BatchRules, wanted: Wanted) -> tuple[Tally, Purse]:
    clock = Clock()
    # The folder first: that somebody else is drawing into it is known without loading anything.
    with open_manifest(folder) as manifest:
        view = BatchView(len(reading.items), manifest.spent)
        async with open_gateway(Settings.load(), wanted.url, clock) as gateway:
            with view.progress:
                return await draw_many(
                    gateway, manifest, folder, reading.items, wanted.max_cost, rules, clock, view, view.say
                )


def _run(work: Coroutine[Any, Any, _R]) -> _R:
    configure_logging(sys.stderr)
    try:
        return asyncio.run(work)
    except ConnectionError as error:
        raise NotReadyError(str(error)) from error
    except ServiceError as error:
        if not str(error).startswith(_NO_CLASSIFIER):
            raise
        raise NotReadyError(_advised(str(error))) from error
    except asyncio.CancelledError:
        typer.echo("cut off: the same command goes on, and says what may have been billed without a picture", err=True)
        raise typer.Exit(1) from None


@contextmanager
def _usage_errors() -> Iterator[None]:
    """What is wrong with an option is said as typer says it, with exit code 2."""
    try:
        yield
    except InvalidRequestError as error:
        if error.param not in _USAGE:
            raise
        flag = "PROMPT" if error.param == "prompt" else f"--{error.param.replace('_', '-')}"
        raise typer.BadParameter(str(error), param_hint=flag) from error


def _target(prompt: str, output: Path | None) -> Target:
    if output is None or output.is_dir():
        return Target(output or Path(), stem_of(prompt))
    return Target.of(output)


def _show(drawing: Drawing, output: Path | None, explained: bool, wanted: Wanted) -> None:
    error = drawing.reply.error
    if wanted.as_json:
        typer.echo(json.dumps(drawing_json(drawing), ensure_ascii=False))
    else:
        console = Console(highlight=False)
        if error is None or drawing.reply.tried:
            # A format that only the file's name asked for: where it is not the vendor's, the file's line says so.
            unasked = () if "output_format" in wanted.options else ("output_format",)
            console.print(render_drawing(drawing, output, unasked))
        if explained:
            console.print(render_decision(drawing))
    if error is not None:
        typer.echo(f"prompt-intent: {_advised(error.message)}", err=True)


def _advised(message: str) -> str:
    """What went wrong; without a classifier, also how it is done without one."""
    return f"{message}, or name --intent or --model" if message.startswith(_NO_CLASSIFIER) else message


def _code(drawing: Drawing) -> int:
    error = drawing.reply.error
    if error is None:
        return 0
    return 2 if error.param in _USAGE and not drawing.reply.tried else 1
