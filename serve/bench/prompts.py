"""The prompts of a bench: one on the command line, or a file of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from classifier.errors import RowError
from classifier.rows import Reject, format_of, read_rows

# A misspelt file name is no prompt: it would be drawn, and paid for.
_FILE_NAME = re.compile(r"\S+\.(?:jsonl|ndjson|txt|csv)", re.IGNORECASE)


def read_prompts(source: str) -> tuple[str, ...]:
    """The prompts in the file `source` (.txt, .jsonl or .csv), or `source` itself where there is no such file.

    Raises:
        RowError: a blank prompt, a name of a file that is not there, a file with nothing in it or with a row that
            cannot be read; names the file and the row.
    """
    # Not `Path.is_file`, which raises for a text that is longer than any file's name.
    if os.path.isfile(source):
        return _from_file(Path(source))
    if _FILE_NAME.fullmatch(source):
        raise RowError(f"{source}: no such file")
    if not source.strip():
        raise RowError("the prompt is blank: give a text, or a file of them")
    return (source,)


def _from_file(path: Path) -> tuple[str, ...]:
    if not _FILE_NAME.fullmatch(path.name.replace(" ", "_")):
        raise RowError(f"{path}: expected a file of prompts that ends in .txt, .jsonl or .csv")
    with path.open("rb") as file:
        rows = list(read_rows(file, format_of(str(path), None)))
    for row in rows:
        if isinstance(row, Reject):
            raise RowError(f"{path}: row {row.number}: {row.reason}")
    if not rows:
        raise RowError(f"{path}: has no prompts")
    return tuple(row.prompt for row in rows if not isinstance(row, Reject))
