"""`prompt-intent sandbox`: the stand-in vendors on a port of their own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from serve.sandbox.app import create_sandbox, served_models
from serve.sandbox.faults import FaultFileError, FaultPlan, load_faults

_HOST = "127.0.0.1"
_BASES = {
    "OPENAI_BASE_URL": "/openai/v1",
    "GEMINI_BASE_URL": "/google",
    "IDEOGRAM_BASE_URL": "/ideogram",
    "BFL_BASE_URL": "/bfl",
    "RECRAFT_BASE_URL": "/recraft/v1",
}


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8100,
    faults: Annotated[Path | None, typer.Option(help="TOML file of faults to inject.")] = None,
    seed: Annotated[int, typer.Option(help="Changes every picture and every chance of a fault.")] = 0,
) -> None:
    """Stand in for five vendors on 127.0.0.1: their wire formats, drawn pictures, a ledger, faults."""
    plan = _plan(faults)
    try:
        listener = socket.create_server((_HOST, port))
    except OSError as error:
        typer.echo(f"Error: cannot listen on {_HOST}:{port}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    base = f"http://{_HOST}:{listener.getsockname()[1]}"
    for variable, path in _BASES.items():
        typer.echo(f"export {variable}={base}{path}")
    typer.echo(f"# any key will do; calls and bills: {base}/__ledger")
    _run(plan, seed, listener)


def _plan(faults: Path | None) -> FaultPlan:
    if faults is None:
        return FaultPlan()
    try:
        return load_faults(faults, served_models())
    except FaultFileError as error:
        raise typer.BadParameter(str(error), param_hint="--faults") from error


def _run(plan: FaultPlan, seed: int, listener: socket.socket) -> None:
    # Only this command needs a server; the service mounts the sandbox in its own process.
    import uvicorn  # noqa: PLC0415

    server = uvicorn.Server(uvicorn.Config(create_sandbox(plan, seed=seed), log_level="warning"))
    server.run(sockets=[listener])
