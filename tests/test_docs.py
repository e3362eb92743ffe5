"""The documentation is executed: README's blocks run as written, and commands and settings are all in it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.main import get_command

from classifier.cli import root
from serve.settings import Settings
from tests.conftest import ROOT, TrainedHome

README = (ROOT / "README.md").read_text("utf-8")
_BLOCK = re.compile(r"(<!-- not executed: [^\n]+ -->\n)?```(sh|python)\n(.*?)```", re.DOTALL)
EXECUTED = [(language, code) for marked, language, code in _BLOCK.findall(README) if not marked]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data/README.md"]


@pytest.fixture(scope="module")
def port(trained: TrainedHome) -> Iterator[int]:
    """The service as `make run` starts it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    command = [sys.executable, "-c", "from classifier.cli import main; main()", "serve", "--port", str(number)]
    server = subprocess.Popen(command, env=_environment(trained), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        _wait(number, server)
        yield number
    finally:
        server.terminate()
        server.wait(30)


def _environment(trained: TrainedHome) -> dict[str, str]:
    scripts = Path(sys.executable).parent
    keyless = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
    return keyless | {"PROMPT_INTENT_HOME": str(trained.home), "PATH": f"{scripts}:{os.environ['PATH']}"}


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the service did not get ready (exit code {server.poll()})")


@pytest.mark.parametrize(("language", "code"), EXECUTED, ids=lambda value: value.split("\n")[0][:60])
def test_readme_blocks_run(language: str, code: str, port: int, trained: TrainedHome) -> None:
    """A block that is not marked otherwise runs as it is written, and no request in it is answered with an error."""
    code = code.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(trained), capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert '"error"' not in done.stdout


def test_most_of_the_guided_use_is_executed() -> None:
    """Marking blocks as not executed stays the exception."""
    assert len(EXECUTED) >= 6


def _commands() -> list[str]:
    names = []
    for name, command in get_command(root()).commands.items():  # type: ignore[attr-defined]
        names += [f"{name} {inner}" for inner in getattr(command, "commands", {})] or [name]
    return names


@pytest.mark.parametrize("name", _commands())
def test_every_command_is_documented_and_helps(name: str) -> None:
    """README names each command, and `--help` of each says what it is for."""
    assert f"`{name}`" in README
    done = subprocess.run(
        [sys.executable, "-c", "from classifier.cli import main; main()", *name.split(), "--help"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert len(done.stdout.split()) > 20


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_documented(field: str) -> None:
    """README's table has every variable, in full or as the tail of its row's first one."""
    alias = Settings.model_fields[field].validation_alias
    variable = str(alias) if alias else f"PROMPT_INTENT_{field.upper()}"
    assert f"`{variable}`" in README or f"`{variable.removeprefix('PROMPT_INTENT')}`" in README


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """A relative link in a document names a file that is there."""
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", path.read_text("utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_changelog_names_what_is_unreleased() -> None:
    """Keep a Changelog: there is a place for what comes next."""
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
