"""Reading prompts from files and pipes, one row at a time: a bad row is told apart, and loses no other."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from classifier.errors import RowError

RowFormat = Literal["jsonl", "txt", "csv"]
_OWN = frozenset({"prompt", "id"})
_SUFFIXES: dict[str, RowFormat] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "txt", ".csv": "csv"}
_HALF_PAIR = re.compile("[\ud800-\udfff]")
# The largest that every platform's C long holds.
_NO_LIMIT = 2**31 - 1
_SHOWN = 200


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
    """Rows in order, rejects in their places. Blank lines count as rows but are passed over."""
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
        problem = _problem(row)
    except (ValueError, RecursionError) as error:
        return Reject(number, f"not JSON: {error}", text)
    if problem:
        return Reject(number, problem, text)
    others = {name: value for name, value in row.items() if name not in _OWN and value is not None}
    return Row(number, row["prompt"], row.get("id"), others)


def _problem(row: Any) -> str | None:
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
        return 'expected an object with a text under "prompt"'
    if not row["prompt"].strip():
        return "the prompt is empty"
    # Legal in JSON, and in no UTF-8 file: the answer could not be written.
    if _HALF_PAIR.search(json.dumps([row["prompt"], row.get("id")], ensure_ascii=False)):
        return "half of a surrogate pair in its prompt or id: write the whole character"
    return None


@dataclass(frozen=True, slots=True)
class _Record:
    """A record of a CSV file: the line it begins in, its text as it stands there, and its cells or why it has none."""

    line: int
    text: str
    cells: list[str]
    problem: str | None = None


def _csv_rows(lines: Iterable[bytes]) -> Iterator[Row | Reject]:
    records = _records(lines)
    head = next((record for record in records if record.text.strip()), _Record(1, "", []))
    if "prompt" not in head.cells:
        found = str(head.cells)[:_SHOWN]
        reason = head.problem or f"the first line must name a column `prompt`, found {found}"
        yield Reject(0, reason, head.text.rstrip("\r\n"))
        return
    for number, record in enumerate(records, 1):
        if record.text.strip():
            yield _from_record(number, record, head.cells)


def _records(lines: Iterable[bytes]) -> Iterator[_Record]:
    read: list[str] = []
    # Not strict, a quote that is never closed makes one long prompt of the rest of the file.
    reader = csv.reader(_decoded(lines, read), strict=True)
    while True:
        line = reader.line_num + 1
        read.clear()
        try:
            with _cells_of_any_length():
                cells = next(reader, None)
        except csv.Error as error:
            yield _Record(line, "".join(read), [], _in_words(error, line))
            continue
        if cells is None:
            return
        yield _Record(line, "".join(read), cells)


def _decoded(lines: Iterable[bytes], read: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        # Bad bytes are replaced, not raised: one broken cell must not end the file.
        read.append(line.decode("utf-8-sig" if number == 0 else "utf-8", "replace"))
        yield read[-1]


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    # JSON lines and texts have no limit either. The module's own is everybody's: it is put back.
    before = csv.field_size_limit(_NO_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _in_words(error: csv.Error, line: int) -> str:
    if "unexpected end of data" in str(error):
        return f"line {line} opens a quote that is never closed, so that no row after it can be told apart"
    return f"line {line} is not CSV ({error}); a quote inside quotes is written twice"


def _from_record(number: int, record: _Record, header: list[str]) -> Row | Reject:
    # Of two columns with one name the first counts.
    named = dict(reversed(list(zip(header, record.cells, strict=False))))
    if not named.get("prompt", "").strip():
        return Reject(number, record.problem or "no prompt in this row", record.text.rstrip("\r\n"))
    others = {name: cell for name, cell in named.items() if name not in _OWN and cell.strip()}
    return Row(number, named["prompt"], named.get("id"), others)
