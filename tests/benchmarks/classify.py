"""One prompt at a time: our bundle against sentence-transformers on torch with the same weights, one thread each.

Run by `make bench`, never by the tests. Rounds are interleaved, prompts unique; the median ratio counts.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import typer

from classifier import IntentClassifier
from classifier.text import normalise
from training.config import DEFAULT_ENCODER
from training.encoder_source import load_encoder

_ROUNDS = 5
_PROMPTS = 100


def main(data: Path = Path("data/prompts.jsonl")) -> None:
    """Print p50 in milliseconds a round, and the ratio."""
    prompts = [json.loads(line)["prompt"] for line in data.read_text("utf-8").splitlines()]
    classifier = IntentClassifier.from_pretrained(threads=1)
    peer = load_encoder(DEFAULT_ENCODER, threads=1).model
    ratios = []
    for number in range(_ROUNDS):
        part = prompts[number * _PROMPTS : (number + 1) * _PROMPTS]
        theirs = _p50(lambda text: peer.encode([normalise(text)], show_progress_bar=False), part)
        ours = _p50(lambda text: classifier.predict([text]), part)
        ratios.append(theirs / ours)
        typer.echo(f"round {number + 1}: sentence-transformers {theirs:.1f} ms, ours {ours:.1f} ms, {ratios[-1]:.2f} x")
    typer.echo(f"median {statistics.median(ratios):.2f} x (from {min(ratios):.2f} to {max(ratios):.2f})")


def _p50(call: Callable[[str], object], prompts: list[str]) -> float:
    call("warm up")
    times = []
    for prompt in prompts:
        start = time.perf_counter()
        call(prompt)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    typer.run(main)
