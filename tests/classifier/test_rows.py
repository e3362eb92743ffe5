"""Rows of a file: the prompt, its id, and whatever else stands there for those who want it."""

from __future__ import annotations

import pytest

from classifier.rows import Row, RowFormat, read_rows


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
