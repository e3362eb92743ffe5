"""Rows of a file: the prompt, its id, and whatever else stands there for those who want it."""

from __future__ import annotations

import csv

import pytest

from classifier.rows import Reject, Row, RowFormat, read_rows


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("jsonl", [b'{"id": "a", "prompt": "a fox", "size": "64x64", "seed": null}\n']),
        ("csv", [b"id,prompt,size,seed\n", b"a,a fox,64x64, \n"]),
    ],
)
def test_other_fields_stand_beside_the_prompt(kind: RowFormat, lines: list[bytes]) -> None:
    """As they are; a null or an empty cell is none."""
    assert list(read_rows(lines, kind)) == [Row(1, "a fox", "a", {"size": "64x64"})]


def test_of_two_columns_with_one_name_the_first_counts() -> None:
    """And a row may be shorter than the header, or longer."""
    lines = [b"prompt,prompt,size\n", b"a fox,a heron\n", b"a dog,,1x1,more\n"]
    assert list(read_rows(lines, "csv")) == [Row(1, "a fox"), Row(2, "a dog", None, {"size": "1x1"})]


@pytest.mark.parametrize("field", ["prompt", "id"])
def test_half_a_surrogate_pair_is_a_reject(field: str) -> None:
    """JSON can spell what no answer in UTF-8 can hold; a whole pair is a character like any other."""
    row = {"prompt": '"a dog"', "id": '"x"', field: r'"\ud83d"'}
    line = f'{{"id": {row["id"]}, "prompt": {row["prompt"]}}}'.encode()
    bad, good = read_rows([line, rb'{"prompt": "\ud83d\udc15"}'], "jsonl")
    assert bad == Reject(1, "half of a surrogate pair in its prompt or id: write the whole character", line.decode())
    assert good == Row(2, "\U0001f415")


def test_an_id_of_any_depth_loses_no_other_row() -> None:
    """What can be read and not be written again is a reject as well."""
    lines = [b'{"prompt": "a cat", "id": %s%s}' % (b"[" * depth, b"]" * depth) for depth in range(800, 1000)]
    assert len(list(read_rows(lines, "jsonl"))) == 200


@pytest.mark.parametrize("kind", ["jsonl", "txt", "csv"])
def test_blank_lines_count_and_are_passed_over(kind: RowFormat) -> None:
    """In every format, and above a header too."""
    lines = {"jsonl": [b'{"prompt": "a cat"}\n', b"\n", b" \t\r\n", b'{"prompt": "a dog"}\n'],
             "txt": [b"a cat\n", b"\n", b" \t\r\n", b"a dog\n"],
             "csv": [b"\n", b"prompt\n", b"a cat\n", b"\n", b" \t\r\n", b"a dog\n"]}  # fmt: skip
    assert list(read_rows(lines[kind], kind)) == [Row(1, "a cat"), Row(4, "a dog")]


def test_cells_may_be_as_long_as_lines_of_json() -> None:
    """And the csv module's limit is for others as it was."""
    before, long = csv.field_size_limit(), "x" * 200_000
    lines = [f"{long},prompt\n".encode(), f"1,{long}\n".encode(), b"2,a cat\n"]
    assert [row.prompt for row in read_rows(lines, "csv") if isinstance(row, Row)] == [long, "a cat"]
    assert csv.field_size_limit() == before
    found = next(iter(read_rows([f"{long}\n".encode()], "csv")))
    assert isinstance(found, Reject)
    assert "must name a column `prompt`" in found.reason
    assert len(found.reason) < 300


def test_a_quote_that_is_never_closed_is_told_by_its_line() -> None:
    """It is no prompt, and what it swallowed is kept."""
    lines = [b"prompt\n", b'"a cat\n', b'asleep"\n', b'"open quote\n', b"a dog\n"]
    good, bad = read_rows(lines, "csv")
    assert good == Row(1, "a cat\nasleep")
    assert isinstance(bad, Reject)
    assert (bad.number, bad.content) == (2, '"open quote\na dog')
    assert bad.reason.startswith("line 4 opens a quote that is never closed")


def test_a_line_that_is_not_csv_loses_no_other() -> None:
    """Its number in the file is told; a header that is none ends it."""
    bad, good = read_rows([b"prompt\n", b'"OPEN" sign\n', b'a "neon" sign\n'], "csv")
    assert isinstance(bad, Reject)
    assert bad.reason.startswith("line 2 is not CSV")
    assert good == Row(2, 'a "neon" sign')
    (head,) = read_rows([b'"prompt\n', b"a cat\n"], "csv")
    assert isinstance(head, Reject)
    assert (head.number, head.reason[:6]) == (0, "line 1")
