"""docs/promises.md: each test that it names is there, and each storm of its figures is one that `make storm` raises."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.benchmarks.storm import STORMS
from tests.conftest import ROOT

PAGE = (ROOT / "docs/promises.md").read_text("utf-8")
_ITEMS = re.compile(r"^### (\d+)\. .+?$(.*?)(?=^#|\Z)", re.DOTALL | re.MULTILINE)
_TESTS = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ITEMS = {int(number): rows for number, rows in _ITEMS.findall(PAGE)}
NAMED = sorted(set(_TESTS.findall(PAGE)))


def _tests_in(path: Path) -> set[str]:
    body = ast.parse(path.read_text("utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_each_named_test_is_there(file: str, name: str) -> None:
    """A test that is renamed or deleted takes its promise's proof with it."""
    assert (ROOT / file).is_file()
    assert name in _tests_in(ROOT / file)


def test_the_eleven_promises_have_tests() -> None:
    """Each has rows, and each row names a test."""
    assert sorted(ITEMS) == list(range(1, 12))
    for number, section in ITEMS.items():
        rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| promise |")]
        assert rows, number
        assert [row for row in rows if not _TESTS.search(row)] == []


def test_the_figures_are_those_of_the_storms() -> None:
    """The page's table has a row for each storm, of as many requests; nothing was billed twice in any."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    figures = {row[0]: row for row in rows if row[0] in STORMS}
    assert figures.keys() == STORMS.keys()
    assert {row[1] for row in figures.values()} == {f"{storm.requests:,}" for storm in STORMS.values()}
    assert {row[-1] for row in figures.values()} == {"0"}
    # Calls are as many as they should be.
    assert [row for row in figures.values() if row[2] != row[3]] == []
