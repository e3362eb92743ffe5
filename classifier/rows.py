"""Reading prompts from files and pipes, one row at a time: a bad row is told apart, and loses no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from classifier.errors import RowError

RowFormat = Literal["jsonl", "txt", "csv"]
_OWN = frozenset({"prompt", "id"})
_SUFFIXES: dict[str, RowFormat] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt", ".csv": "csv"}


@dataclass(frozen=True, slots=True)
class Row:
    """One input row: its number from 1, its prompt, and the caller's `id` if there was one.

    `others` are the row's other fields, as they stand there; a null or an empty cell is none.
    """

    number: int
    prompt: str
    id: Any = None
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be classified: its number, why, and what it held."""

    number: int
    reason: str
    content: str


def format_of(path: str, asked: RowFormat | None) -> RowFormat:
    """The format asked for, or the file name's; a pipe is JSON lines.

    Raises:
        RowError: the name says nothing.
    """
    if asked is not None:
        return asked
    if path == "-":
        return "jsonl"
    try:
        return _SUFFIXES[Path(path).suffix.lower()]
    except KeyError as error:
        raise RowError(f"{path}: say what it is with --format jsonl, txt or csv") from error


def read_rows(lines: Iterable[bytes], kind: RowFormat) -> Iterator[Row | Reject]:
    """Rows in order, rejects in their places. Blank lines of text and JSON lines count as rows but are passed over."""
    return _csv_rows(lines) if kind == "csv" else _line_rows(lines, kind)


def _line_rows(lines: Iterable[bytes], kind: RowFormat) -> Iterator[Row | Reject]:
    for number, raw in enumerate(lines, 1):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
        except UnicodeDecodeError as error:
            yield Reject(number, f"not UTF-8 at byte {error.start}", raw.decode("utf-8", "replace").strip())
            continue
        if text.strip():
            yield _from_json(number, text) if kind == "jsonl" else Row(number, text)


def _from_json(number: int, text: str) -> Row | Reject:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Reject(number, f"not JSON: {error}", text)
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
        return Reject(number, 'expected an object with a text under "prompt"', text)
    if not row["prompt"].strip():
        return Reject(number, "the prompt is empty", text)
    others = {name: value for name, value in row.items() if name not in _OWN and value is not None}
    return Row(number, row["prompt"], row.get("id"), others)


def _csv_rows(lines: Iterable[bytes]) -> Iterator[Row | Reject]:
    # Bad bytes are replaced, not raised: one broken cell must not end the file.
    text = (line.decode("utf-8-sig" if n == 0 else "utf-8", "replace") for n, line in enumerate(lines))
    reader = csv.reader(text)
    header = next(reader, None)
    if header is None or "prompt" not in header:
        yield Reject(0, f"the first line must name a column `prompt`, found {header}", ",".join(header or []))
        return
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Reject(number, f"not CSV: {error}", "")
            continue
        yield _from_cells(number, cells, header)


def _from_cells(number: int, cells: list[str], header: list[str]) -> Row | Reject:
    # Of two columns with one name the first counts.
    named = dict(reversed(list(zip(header, cells, strict=False))))
    if not named.get("prompt", "").strip():
        return Reject(number, "no prompt in this row", ",".join(cells))
    others = {name: cell for name, cell in named.items() if name not in _OWN and cell.strip()}
    return Row(number, named["prompt"], named.get("id"), others)
