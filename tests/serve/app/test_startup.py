"""Starting: what is not imported, what is refused, and the whole service on a real port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from serve.app import create_app
from serve.catalog import load_catalog
from serve.cli import app as commands
from serve.errors import SettingsError
from serve.settings import Settings

HEAVY = {"torch", "transformers", "sentence_transformers", "sklearn", "mlflow", "pandas", "scipy", "matplotlib"}
COMMAND = [sys.executable, "-c", "from classifier.cli import main; main()"]


def _modules_after(code: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_the_app_is_made_without_heavy_imports() -> None:
    """Creating the app imports nothing of the training world, and neither the sandbox's drawing nor the network."""
    loaded = _modules_after(
        "from serve.app import create_app; from serve.settings import Settings; create_app(Settings())"
    )
    assert "fastapi" in loaded
    assert not loaded & (HEAVY | {"PIL", "aiohttp", "sqlalchemy"})


def test_the_command_line_is_made_without_the_server() -> None:
    """Listing the commands costs no web framework, no client and no runtime."""
    assert not _modules_after("import serve.cli") & {"fastapi", "uvicorn", "httpx", "pydantic", "onnxruntime", "numpy"}


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--host", "0.0.0.0"], {}, "PROMPT_INTENT_API_KEY"),
        (["--host", "192.168.1.5"], {}, "PROMPT_INTENT_API_KEY"),
        ([], {"PROMPT_INTENT_SANDBOX": "maybe"}, "PROMPT_INTENT_SANDBOX"),
    ],
)
def test_an_unsafe_or_wrong_start_is_refused(arguments: list[str], environment: dict[str, str], said: str) -> None:
    """Nothing listens; the error that the command line shows says what to set."""
    result = CliRunner().invoke(commands, ["serve", *arguments], env=environment)
    assert result.exit_code == 1
    assert isinstance(result.exception, SettingsError)
    assert said in str(result.exception)


def test_a_refusal_is_one_line_and_exit_1() -> None:
    """As users meet it: no traceback, the reason on stderr."""
    done = subprocess.run(
        [*COMMAND, "serve", "--host", "0.0.0.0"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "PROMPT_INTENT_API_KEY" in done.stderr


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """`prompt-intent serve` as a process on a free port; its URL. It ends well when asked to."""
    environment = {**os.environ, "PROMPT_INTENT_HOME": str(tmp_path), "PROMPT_INTENT_MAX_BODY_BYTES": "1000"}
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    lines = (json.loads(line) for line in process.stderr)
    running = next(line["event"] for line in lines if "running on" in line["event"])
    yield running.partition("running on ")[2].split()[0]
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert all(json.loads(line) for line in rest.splitlines())


def test_the_service_on_a_real_port(server: str) -> None:
    """Over real HTTP: a named model draws, its picture is fetched by its URL, and the guards stand."""
    with httpx.Client(base_url=server, trust_env=False) as client:
        drawn = client.post("/v1/generate", json={"prompt": "a cat", "model": "ideogram-v2", "aspect_ratio": "16:9"})
        assert drawn.status_code == 200
        url = drawn.json()["data"][0]["url"]
        assert url.startswith(server)
        assert client.get(url).content.startswith(b"\x89PNG")
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 403
        chunks = (b" " * 600 for _ in range(3))
        refused = client.post("/v1/classify", content=chunks, headers={"content-type": "application/json"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (413, "payload_too_large")
        assert "server" not in refused.headers


def test_making_an_app_touches_nothing(tmp_path: Path) -> None:
    """Until the lifespan starts no file is written and no champion is needed."""
    create_app(Settings(home=tmp_path / "state"), catalog=load_catalog())
    assert list(tmp_path.iterdir()) == []
