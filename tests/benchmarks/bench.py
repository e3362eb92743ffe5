"""`make bench`: every figure of docs/benchmarks.md, measured side by side in one run.

The peers are installed into environments of their own (`.bench`) the first time, some 4 GB. `--report` draws the page
and its plots again from the figures of the last run.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from classifier.champion import locate
from tests.benchmarks import classifiers, files, gateways, page, plots
from tests.benchmarks.environments import version

RESULTS = Path("docs/benchmarks/figures.json")
_VERSIONS = {
    "sentence-transformers": "onnx", "torch": "onnx", "optimum-onnx": "onnx", "semantic-router": "router",
    "litellm": "litellm", "httpx-aiohttp": "passthrough", "onnxruntime": "ours", "tokenizers": "ours",
    "fastapi": "ours", "uvicorn": "ours", "aiohttp": "ours",
}  # fmt: skip


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    requests: Annotated[int, typer.Option(help="Requests after which the memory is read.")] = 10_000,
    rows: Annotated[int, typer.Option(help="Rows of the file that is classified.")] = 100_000,
    report: Annotated[bool, typer.Option(help="Measure nothing: write the page and its plots again.")] = False,
) -> None:
    """Measure, keep the figures, and write docs/benchmarks.md."""
    if not report:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(_measured(rounds, requests, rows)) + "\n", encoding="utf-8")
    figures = json.loads(RESULTS.read_text("utf-8"))
    plots.draw(figures, RESULTS.parent)
    text = page.written(figures)
    Path("docs/benchmarks.md").write_text(text, encoding="utf-8")
    typer.echo(text)


def _measured(rounds: int, requests: int, file_rows: int) -> dict[str, Any]:
    bundle, began = locate(None), time.monotonic()
    rows = Path("data/prompts.jsonl").read_text("utf-8").splitlines()
    # Every seventh: the file has a writer's prompts side by side.
    prompts = [json.loads(row)["prompt"] for row in rows[::7]]
    found: dict[str, Any] = {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": rounds,
        "requests": requests,
        "versions": {package: version(where, package) for package, where in _VERSIONS.items()},
    }
    with tempfile.TemporaryDirectory() as home:
        found["classifiers"] = _told("classifiers", classifiers.measure(prompts, str(bundle), rounds))
        found["bound"] = _told("bound", classifiers.share_of_bound(prompts, bundle, rounds))
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        found["over_http"] = _told("over HTTP", classifiers.first_over_http(str(bundle), Path(home), min(rounds, 3)))
        found["memory"] = _told("memory", classifiers.memory(str(bundle), requests))
        found["file"] = _told("a file", files.measure(prompts, str(bundle), file_rows, Path(home)))
        with gateways.running(Path(home), str(bundle)) as running:
            found["gateways"] = _told("gateways", gateways.measure(running, rounds))
    found["minutes"] = round((time.monotonic() - began) / 60, 1)
    return found


def _told(what: str, figures: Any) -> Any:
    typer.echo(f"{what}: measured", err=True)
    return figures


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("ascii").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    typer.run(main)
