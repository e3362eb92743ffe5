"""A file of many rows through `prompt-intent classify`, beside sentence-transformers on the same two cores."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.classifiers import peer_model
from tests.benchmarks.environments import python_of
from tests.benchmarks.processes import rss_mb, worker

_PEERS_ROWS = 2_000
_LOOK_S = 2.0


def measure(prompts: Sequence[str], bundle: str, rows: int, folder: Path) -> dict[str, Any]:
    """Prompts a second of both, torch's before and after ours, and our resident MB every two seconds."""
    texts = list(itertools.islice(_distinct(prompts), rows))
    before = _torch(texts[:_PEERS_ROWS])
    seconds, resident = _classified(texts, bundle, folder)
    after = _torch(texts[-_PEERS_ROWS:])
    return {"rows": rows, "ours": rows / seconds, "torch": [before, after], "resident_mb": resident}


def _distinct(prompts: Sequence[str]) -> Iterator[str]:
    """The prompts again and again, each time with another number behind them."""
    return (f"{prompt} {number}" if number else prompt for number in itertools.count() for prompt in prompts)


def _torch(texts: Sequence[str]) -> float:
    """In one call, which sorts them by length and cuts batches of 32: the best that it offers."""
    with worker(python_of("onnx"), "torch", 2, peer_model()) as each:
        each.ask(["warm up"])
        seconds: float = each.ask(texts, together=True)["seconds"][0]
    return len(texts) / seconds


def _classified(texts: Sequence[str], bundle: str, folder: Path) -> tuple[float, list[float]]:
    """Seconds from the command's start to its end."""
    source, target, resident = folder / "rows.jsonl", folder / "answers.jsonl", []
    source.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("prompt-intent")), "classify", "--input", str(source)]
    command += ["--output", str(target), "--model", bundle, "--threads", "2"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            resident.append(rss_mb(process.pid))
            time.sleep(_LOOK_S)
        seconds = time.perf_counter() - began
    answered = sum(1 for _ in target.open(encoding="utf-8"))
    if answered != len(texts):
        raise RuntimeError(f"{' '.join(command)} answered {answered} of {len(texts)} rows")
    # A look at a process that has just ended finds nothing.
    return seconds, [mb for mb in resident if mb > 0]
