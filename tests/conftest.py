"""What every test gets: no network but loopback, no keys, a state folder of its own; and one real training for all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
_LOOPBACK = ("127.", "::1", "localhost")


def _refuse_foreign_hosts(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not str(arguments[1][0]).startswith(_LOOPBACK):
        raise RuntimeError(f"a test tried to reach {arguments[1][0]}: tests stay on loopback")


# Machines are shared: a slow example is no failure. The same examples everywhere make a red run repeatable.
settings.register_profile("shared", deadline=None, derandomize=True)
settings.load_profile("shared")
sys.addaudithook(_refuse_foreign_hosts)


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith(("PROMPT_INTENT_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROMPT_INTENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@dataclass(frozen=True)
class Command:
    """What one run of the command line answered."""

    code: int
    out: str
    err: str


def run_command(*arguments: str, home: Path, stdin: bytes = b"", **env: str) -> Command:
    """`prompt-intent ARGUMENTS` as a user runs it: another process, the project as working directory."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PROMPT_INTENT_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from classifier.cli import main; main()", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        timeout=900,
        check=False,
        env=clean | {"PROMPT_INTENT_HOME": str(home), "MLFLOW_DISABLE_TELEMETRY": "true", "COLUMNS": "160"} | env,
    )
    return Command(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class TrainedHome:
    """The state folder after one real `prompt-intent train --json` on a part of the data."""

    home: Path
    data: Path
    test: Path
    answer: dict[str, Any]

    @property
    def bundle(self) -> Path:
        return self.home / "bundles" / self.answer["bundle"]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedHome:
    """Trained once for all tests that need a bundle."""
    return train_on_a_part(tmp_path_factory.mktemp("trained"))


def train_on_a_part(folder: Path) -> TrainedHome:
    """Fine-tune the real encoder on every sixth group, in one pass: enough to be far better than the keyword rule."""
    data = _part(ROOT / "data/prompts.jsonl", folder / "prompts.jsonl", 6)
    test = _part(ROOT / "data/test.jsonl", folder / "test.jsonl", 4)
    # So few calibration rows can prove no higher precision than this one.
    options = ("--effort", "quick", "--target-precision", "0.9", "--json")
    done = run_command("train", "--data", str(data), "--test", str(test), *options, home=folder / "home")
    assert done.code == 0, done.err
    return TrainedHome(folder / "home", data, test, json.loads(done.out))


def _part(source: Path, target: Path, every: int) -> Path:
    lines = source.read_text("utf-8").splitlines()
    groups = sorted({json.loads(line)["group"] for line in lines})[::every]
    kept = [line for line in lines if json.loads(line)["group"] in set(groups)]
    target.write_text("\n".join(kept) + "\n", "utf-8")
    return target


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """JSON lines, one row each."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path
