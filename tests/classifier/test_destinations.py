"""Where answers and rejects may go: never over a file that is still needed, and only where a file can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.destinations import check_destinations, clear, create
from classifier.errors import OutputError

PROMPT = '{"prompt": "a cat"}\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an input, by its own name and by two others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(PROMPT)
    (tmp_path / "hard.jsonl").hardlink_to(tmp_path / "in.jsonl")
    (tmp_path / "soft.jsonl").symlink_to("in.jsonl")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target", "rejects", "pair"),
    [
        ("in.jsonl", "./in.jsonl", None, "--input and --output"),
        ("in.jsonl", "hard.jsonl", None, "--input and --output"),
        ("soft.jsonl", "in.jsonl", None, "--input and --output"),
        ("in.jsonl", "-", "in.jsonl", "--input and --rejects"),
        ("in.jsonl", "new.jsonl", "../{here}/new.jsonl", "--output and --rejects"),
    ],
)
def test_one_file_twice_is_refused(here: Path, source: str, target: str, rejects: str | None, pair: str) -> None:
    """By whatever names."""
    aside = Path(rejects.format(here=here.name)) if rejects else None
    with pytest.raises(OutputError, match=f"{pair} are one file"):
        check_destinations(source, target, aside)


@pytest.mark.parametrize(
    ("target", "rejects", "words"),
    [
        ("none/out.jsonl", None, "--output none/out.jsonl: there is no folder none; make it first"),
        (".", None, r"--output \. is a folder: name a file in it"),
        ("out.jsonl", "none/bad.jsonl", "--rejects .* there is no folder none"),
        ("out.jsonl", ".", r"--rejects \. is a folder"),
    ],
)
def test_what_no_file_can_be_is_told(here: Path, target: str, rejects: str | None, words: str) -> None:
    """With what to do about it."""
    with pytest.raises(OutputError, match=words):
        check_destinations("in.jsonl", target, Path(rejects) if rejects else None)


def test_what_is_no_file_may_be_named_twice_and_stays(here: Path) -> None:
    """A device swallows both; it is not removed as an earlier run's rejects are."""
    check_destinations("in.jsonl", "/dev/null", Path("/dev/null"))
    clear(Path("/dev/null"))
    assert Path("/dev/null").exists()
    clear(here / "soft.jsonl")
    clear(here / "soft.jsonl")
    assert not (here / "soft.jsonl").is_symlink()
    assert (here / "in.jsonl").read_text() == PROMPT


def test_a_file_that_does_not_open_is_told(here: Path) -> None:
    """Also where a look beforehand saw nothing wrong."""
    with pytest.raises(OutputError, match=r"in\.jsonl/out\.jsonl cannot be written"):
        create(here / "in.jsonl" / "out.jsonl")
