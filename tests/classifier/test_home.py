"""Where state lives, and what is said where none can."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import HomeError
from classifier.home import Home
from tests.conftest import run_command


def test_a_folder_is_made_when_something_is_written(tmp_path: Path) -> None:
    """Neither it nor those above it must be there."""
    assert Home.from_env({"PROMPT_INTENT_HOME": str(tmp_path / "a" / "b")}).root == (tmp_path / "a" / "b").resolve()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_file_in_its_place_is_told(tmp_path: Path, below: str) -> None:
    """Or in the place of a folder above it."""
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match=r"file is no folder; name one"):
        Home.from_env({"PROMPT_INTENT_HOME": str(tmp_path / "file" / below)})


@pytest.mark.parametrize("command", [("classify", "a cat", "--model", "models:/prompt-intent/1"), ("promote",)])
def test_the_command_line_says_so_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Without a traceback, whether it would read there or write."""
    (tmp_path / "file").touch()
    done = run_command(*command, home=tmp_path / "file")
    assert done.code == 1
    assert done.err.startswith(f"prompt-intent: PROMPT_INTENT_HOME {tmp_path}")
    assert done.err.count("\n") == 1
