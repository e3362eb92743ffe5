"""The `sandbox` command: serves on loopback with its faults and seed, and refuses what it cannot use."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from serve.sandbox.cli import sandbox

COMMAND = [sys.executable, "-c", "import typer; from serve.sandbox.cli import sandbox; typer.run(sandbox)"]
HEADERS = {"authorization": "Bearer any"}
BODY = {"model": "dall-e-3", "prompt": "a fox", "response_format": "b64_json"}


@pytest.fixture
def app() -> typer.Typer:
    """The command alone in an application."""
    app = typer.Typer()
    app.command()(sandbox)
    return app


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, on a free port, with a fault and a seed."""
    faults = tmp_path / "faults.toml"
    faults.write_text("[[rules]]\nfirst = 1\nstatus = 429\nretry_after = 4\n", encoding="utf-8")
    command = [*COMMAND, "--port", "0", "--faults", str(faults), "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield running
        running.terminate()


def test_the_command_serves_what_it_was_told(process: subprocess.Popen[str]) -> None:
    """It prints where the vendors' stand-ins are, on 127.0.0.1, and injects the file's fault once."""
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(6)]
    bases = dict(line.removeprefix("export ").split("=", 1) for line in lines[:5])
    vendors = {name.removesuffix("_BASE_URL") for name in bases}
    assert vendors == {"OPENAI", "GEMINI", "IDEOGRAM", "BFL", "RECRAFT"}
    assert all(base.startswith("http://127.0.0.1:") for base in bases.values())
    url = f"{bases['OPENAI_BASE_URL']}/images/generations"
    answers = [httpx.post(url, headers=HEADERS, json=BODY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].headers["retry-after"] == "4"
    assert lines[5].endswith("/__ledger")


def test_a_bad_fault_file_is_a_usage_error(app: typer.Typer, tmp_path: Path) -> None:
    """Exit 2, and the message names the key."""
    faults = tmp_path / "faults.toml"
    faults.write_text("[[rules]]\nlatency = 5\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["--faults", str(faults)])
    assert result.exit_code == 2
    assert "rules[0].latency" in result.output


def test_a_taken_port_is_refused(app: typer.Typer) -> None:
    """Exit 1, and the message names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["--port", str(port)])
    assert result.exit_code == 1
    assert f"127.0.0.1:{port}" in result.output


def test_there_is_no_way_to_another_host(app: typer.Typer) -> None:
    """The sandbox accepts any key, so it stays on loopback."""
    assert CliRunner().invoke(app, ["--host", "0.0.0.0"]).exit_code == 2
