"""A batch whose process is killed or interrupted at any point bills no prompt twice, by the sandbox's own ledger."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.sandbox.app import create_sandbox
from serve.sandbox.faults import FaultPlan, FaultRule
from serve.settings import Settings
from tests.conftest import ROOT
from tests.serve.batches.conftest import ServeOnPort

PROMPTS = 24
AT_ONCE = 4


class Vendor:
    """The sandbox on a port, slow enough for something to be on its way at any moment, and the command against it."""

    def __init__(self, base: str, folder: Path) -> None:
        self._base = base
        self.folder = folder
        self._input = folder / "prompts.txt"
        self._input.write_text("".join(f"fox number {number}\n" for number in range(PROMPTS)), "utf-8")

    def start(self, *more: str) -> subprocess.Popen[str]:
        """`prompt-intent generate` over all prompts, in a process of its own."""
        keys = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": f"{self._base}/openai/v1", "PROMPT_INTENT_SANDBOX": "off"}
        arguments = ["--input", str(self._input), "-o", str(self.folder / "out"), "--model", "gpt-image-2.5-flare"]
        return subprocess.Popen(
            [sys.executable, "-c", "from classifier.cli import main; main()", "generate", *arguments, "--json", *more],
            cwd=ROOT,
            env={**os.environ, "PROMPT_INTENT_HOME": str(self.folder / "home"), **keys},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *more: str) -> tuple[int, dict[str, Any]]:
        """The command to its end: exit code and what it tells."""
        process = self.start(*more)
        out, _ = process.communicate(timeout=120)
        return process.returncode, json.loads(out)

    def signalled(self, number: signal.Signals, done: int) -> tuple[int, str]:
        """The command, which gets a signal as soon as so many prompts are done: exit code and what it had told."""
        with self.start() as process:
            try:
                while self.outcomes()["done"] < done:
                    assert process.poll() is None, "the batch ended before it could be stopped"
                    time.sleep(0.005)
                process.send_signal(number)
                out, _ = process.communicate(timeout=60)
            finally:
                process.kill()
        return process.returncode, out

    def outcomes(self) -> Counter[str]:
        """How many prompts are in which state, by the manifest."""
        path = self.folder / "out/manifest.jsonl"
        lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
        # The last line may be in the writing.
        last = {
            row["prompt_sha256"]: row["outcome"] for line in lines if line.endswith("\n") for row in [json.loads(line)]
        }
        return Counter(last.values())

    def calls(self) -> list[dict[str, Any]]:
        """The vendor's own ledger."""
        calls: list[dict[str, Any]] = httpx.get(f"{self._base}/__ledger").json()["calls"]
        return calls

    def booked(self) -> list[tuple[str, str]]:
        """How each call ended, and whether it was billed, by the service's own books."""
        with closing(sqlite3.connect(Settings(home=self.folder / "home").state.database)) as file:
            return file.execute("SELECT outcome, billed FROM attempts").fetchall()

    def bills(self) -> Counter[str]:
        """How often each prompt was billed."""
        return Counter(call["request"]["prompt"] for call in self.calls() if call["usd"])


def make_vendor(serve_on_port: ServeOnPort, folder: Path, **more: Any) -> Vendor:
    """A vendor that takes a fifth of a second a picture, and does no better than `more` says."""
    return Vendor(serve_on_port(create_sandbox(FaultPlan((FaultRule(latency_ms=200, **more),)))), folder)


@pytest.fixture
def vendor(serve_on_port: ServeOnPort, tmp_path: Path) -> Vendor:
    """A vendor that draws."""
    return make_vendor(serve_on_port, tmp_path)


def test_a_killed_batch_resumes_and_bills_nothing_twice(vendor: Vendor) -> None:
    """Twice `kill -9` in the middle; what was on its way then is left alone, and all the rest is drawn once."""
    for done in (3, 9):
        assert vendor.signalled(signal.SIGKILL, done) == (-signal.SIGKILL, "")
    code, told = vendor.run()
    # At each kill as many as four were on their way; whether the vendor drew them nobody can know.
    held = told["maybe_billed"]
    assert (code, told["failed"], told["left"], held <= 8) == (int(held > 0), 0, 0, True)
    assert vendor.outcomes()["done"] + held == PROMPTS
    assert max(vendor.bills().values()) == 1
    code, told = vendor.run("--rebill")
    assert (code, vendor.outcomes()) == (0, Counter(done=PROMPTS))
    assert len(vendor.bills()) == PROMPTS
    assert vendor.bills().total() <= PROMPTS + held


def test_an_interrupted_batch_finishes_what_it_pays_for(vendor: Vendor) -> None:
    """Ctrl-C: no other prompt begins, those on their way are written down, and the rest is drawn the next time."""
    code, out = vendor.signalled(signal.SIGINT, 3)
    told = json.loads(out)
    assert (code, told["stopped"], told["done"] + told["left"]) == (1, "interrupted", PROMPTS)
    assert vendor.outcomes() == Counter(done=told["done"])
    assert vendor.bills().total() == told["done"]
    code, told = vendor.run()
    assert (code, told["done_before"] + told["done"]) == (0, PROMPTS)
    assert vendor.bills() == Counter(f"fox number {number}" for number in range(PROMPTS))


def test_a_batch_that_is_interrupted_twice_calls_nobody_again(serve_on_port: ServeOnPort, tmp_path: Path) -> None:
    """While the vendor has four prompts wait: what they cost is in the books, and the next run asks for them again."""
    vendor = make_vendor(serve_on_port, tmp_path, status=429, retry_after=15)
    with vendor.start() as process:
        try:
            while len(vendor.calls()) < AT_ONCE:
                assert process.poll() is None, "the batch ended before it could be stopped"
                time.sleep(0.02)
            # Two signals, for one that comes twice before it is heard is heard once.
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out, len(vendor.calls())) == (1, "", AT_ONCE)
    assert vendor.outcomes() == Counter(started=AT_ONCE)
    assert vendor.booked() == [("rate_limited", "no")] * AT_ONCE
