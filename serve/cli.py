"""`prompt-intent serve` and `prompt-intent sandbox`. Servers are imported when they are started, not for `--help`."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from serve.batches.commands import app as batch_commands
from serve.bench.commands import app as bench_commands
from serve.model_commands import app as model_commands

app = typer.Typer(help="Serve the classifier and the router over HTTP.")
app.add_typer(model_commands)
app.add_typer(bench_commands)
app.add_typer(batch_commands)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback need an API key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
) -> None:
    """Serve the page and the API until Ctrl-C."""
    # What is made until it serves stays: looking for garbage in it takes an eighth of a start.
    gc.disable()
    try:
        _serve(host, port)
    finally:
        gc.enable()


def _serve(host: str, port: int) -> None:
    from asyncio import Event  # noqa: PLC0415

    from serve.app import create_app  # noqa: PLC0415
    from serve.logs import configure_logging  # noqa: PLC0415
    from serve.server import run_server  # noqa: PLC0415
    from serve.settings import Settings  # noqa: PLC0415

    closing = Event()
    application = create_app(Settings.load().bound_to(host), closing=closing)
    configure_logging()
    run_server(application, closing, host, port)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8100,
    faults: Annotated[Path | None, typer.Option(help="TOML file of faults to inject.")] = None,
    seed: Annotated[int, typer.Option(help="Changes every picture and every chance of a fault.")] = 0,
) -> None:
    """Stand in for the five vendors on 127.0.0.1: their wire formats, drawn pictures, a ledger, faults."""
    from serve.sandbox.cli import sandbox as run  # noqa: PLC0415

    run(port, faults, seed)
