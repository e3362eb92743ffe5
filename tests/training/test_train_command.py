"""What a training is refused for before it begins, and what is left of one that cannot be logged."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier import IntentClassifier
from classifier.home import Home
from tests.conftest import run_command, write_rows

SHAPES = {
    "preview": "quick sketch of a {}",
    "text_heavy": 'poster that says "{} TODAY"',
    "complex_logic": "two {}s beside the bigger {}",
}


def _file(path: Path, things: str) -> Path:
    return write_rows(
        path,
        [
            {
                "prompt": shape.format(thing, thing), "intent": intent, "group": f"{thing}-{intent}", "tags": ["t"],
                "origin": "written", "language": "en",
            }
            for thing in things.split()
            for intent, shape in SHAPES.items()
        ],
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    data = _file(tmp_path / "prompts.jsonl", "lamp boat tree dog shoe clock apple bridge chair wolf piano tent")
    return ("--data", str(data), "--test", str(_file(tmp_path / "test.jsonl", "kite bell drum fox")))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of ours on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_store_out_of_reach_is_told_before_the_training(
    files: tuple[str, ...], closed_port: int, tmp_path: Path
) -> None:
    """Not even the encoder is loaded: the one that is asked for does not exist, and is not what is complained of."""
    store = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{closed_port}", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = run_command("train", *files, "--encoder", str(tmp_path / "none"), home=tmp_path / "home", **store)
    assert done.code == 1
    assert "MLflow's store cannot be used" in done.err
    assert "Traceback" not in done.err


def test_a_garbled_pointer_is_told_before_the_training(files: tuple[str, ...], tmp_path: Path) -> None:
    """Whether the classifier would be the first champion has to be known."""
    (tmp_path / "home").mkdir()
    Home(tmp_path / "home").pointer.write_text("{")
    done = run_command("train", *files, "--encoder", str(tmp_path / "none"), home=tmp_path / "home")
    assert done.code == 1
    assert "champion.json: cannot be read" in done.err


def test_a_training_that_cannot_be_logged_is_kept(files: tuple[str, ...], tiny_encoder: Path, tmp_path: Path) -> None:
    """The store answers and takes the run, but no artifact: the error says where the bundle is, and there it works."""
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.artifacts.write_text("where the artifacts' folder should be")
    options = ("--encoder", str(tiny_encoder), "--effort", "frozen", "--threads", "1")
    done = run_command("train", *files, *options, home=home.root)
    assert done.code == 1
    assert "could not be logged" in done.err
    assert "Traceback" not in done.err
    told = re.search(r"PROMPT_INTENT_MODEL=(\S+)", done.err)
    assert told is not None, done.err
    kept = Path(told[1])
    assert list(home.bundles.iterdir()) == [kept]
    assert IntentClassifier.from_pretrained(kept).version == kept.name
    assert list(home.cache.iterdir()) == []


@pytest.mark.parametrize("command", [("train",), ("data", "suspects")])
@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_that_no_generator_takes_is_wrong_usage(command: tuple[str, ...], seed: str, tmp_path: Path) -> None:
    """It is refused with the option's name before anything is read."""
    done = run_command(*command, "--seed", seed, home=tmp_path / "home")
    assert done.code == 2
    assert "--seed" in done.err
