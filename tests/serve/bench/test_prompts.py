"""Where the prompts of a bench come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import RowError
from serve.bench.prompts import read_prompts


def test_a_text_is_a_prompt() -> None:
    """Also one that is longer than any file's name, or has a file's name in it."""
    for text in ("a fox", "x" * 5000, "a poster that says list.txt"):
        assert read_prompts(text) == (text,)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.txt", "a fox\n\nan owl\n"),
        ("p.jsonl", '{"prompt": "a fox"}\n{"prompt": "an owl"}\n'),
        ("my p.CSV", "id,prompt\n1,a fox\n2,an owl\n"),
    ],
)
def test_a_file_is_as_many_prompts_as_it_has(tmp_path: Path, name: str, content: str) -> None:
    """In any of the formats that the other commands read."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_prompts(str(tmp_path / name)) == ("a fox", "an owl")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.jsonl", '{"prompt": "a fox"}\n{"text": "b"}\n', "row 2: expected an object"),
        ("p.txt", "\n", "has no prompts"),
        ("p.md", "a fox\n", "ends in .txt, .jsonl or .csv"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, name: str, content: str, told: str) -> None:
    """A row that was passed over would make the figures those of other prompts."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(RowError, match=told):
        read_prompts(str(tmp_path / name))


@pytest.mark.parametrize(("source", "told"), [("promts.txt", "no such file"), ("  ", "blank"), ("", "blank")])
def test_a_misspelt_file_is_not_drawn(source: str, told: str) -> None:
    """What looks like a file's name and is none was not meant as a prompt."""
    with pytest.raises(RowError, match=told):
        read_prompts(source)
