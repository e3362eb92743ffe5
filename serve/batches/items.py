"""The prompts of a batch: rows of a file or a pipe, or a folder of text files, each with the options it is drawn by."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from classifier.rows import Reject, Row, RowFormat, format_of, read_rows
from serve.batches.bodies import ROW_FIELDS, read_row_options
from serve.errors import InvalidRequestError

Identity = tuple[str, str, int]
"""SHA-256 of the prompt, its options as canonical JSON, and how many equal ones stand before it in the input."""

_STEM_CHARS = 40
_NOT_A_NAME = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt to be drawn.

    Attributes:
        index: its row in the input, from 1.
        options: the fields of `GenerateBody` that decide what its picture looks like, and all that its row asks for.
        stem: the picture's file name without extension.
        id: the row's own `id`, if there was one.
        repeat: how many equal items stand before it: a prompt that is there twice is drawn twice.
    """

    index: int
    prompt: str
    options: Mapping[str, Any]
    stem: str
    id: Any = None
    repeat: int = 0

    @property
    def identity(self) -> Identity:
        """What stays the same when rows are added, removed or moved."""
        return digest(self.prompt), canonical(self.options), self.repeat


@dataclass(frozen=True, slots=True)
class Reading:
    """What an input holds: items in their order, and the rows that are none."""

    items: tuple[Item, ...] = ()
    rejects: tuple[Reject, ...] = field(default=())


def digest(prompt: str) -> str:
    """The SHA-256 of a prompt's UTF-8 bytes, in hex."""
    # JSON may spell half a surrogate pair: such a prompt is refused later, by name.
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def canonical(options: Mapping[str, Any]) -> str:
    """Equal options, equal text."""
    return json.dumps(options, sort_keys=True, separators=(",", ":"))


def stem_of(text: str) -> str:
    """A short file name that reminds of `text`; "picture" where nothing of it can stand in a name."""
    return _NOT_A_NAME.sub("-", text.lower())[:_STEM_CHARS].strip("-") or "picture"


def read_items(source: str, kind: RowFormat | None, options: Mapping[str, Any]) -> Reading:
    """The items of a file, of a pipe ("-") or of a folder of .txt files, with `options` and each row's own.

    Where both speak of a field, the row does. A row with a value that cannot be meant is a reject.

    Raises:
        RowError: the file's name does not say its format, and `kind` does not either.
        InvalidRequestError: there is nothing to read, or a row has a field that nobody knows.
    """
    rows = list(_folder(Path(source), options) if Path(source).is_dir() else _file(source, kind, options))
    items = [entry for entry in rows if isinstance(entry, Item)]
    return Reading(tuple(_counted(items)), tuple(entry for entry in rows if isinstance(entry, Reject)))


def _counted(items: Iterable[Item]) -> Iterator[Item]:
    seen: Counter[Identity] = Counter()
    for item in items:
        yield replace(item, repeat=seen[item.identity])
        seen[item.identity] += 1


def _file(source: str, kind: RowFormat | None, options: Mapping[str, Any]) -> Iterator[Item | Reject]:
    if source == "-":
        yield from _rows(sys.stdin.buffer, source, format_of(source, kind), options)
        return
    if not Path(source).is_file():
        raise InvalidRequestError(f"{source}: no such file or folder", param="input")
    kind = format_of(source, kind)
    with Path(source).open("rb") as file:
        yield from _rows(file, source, kind, options)


def _rows(lines: Iterable[bytes], source: str, kind: RowFormat, options: Mapping[str, Any]) -> Iterator[Item | Reject]:
    for row in read_rows(lines, kind):
        if isinstance(row, Reject):
            yield row
            continue
        # A misspelt wish must not become a paid picture that ignores it.
        if unknown := sorted(set(row.others) - ROW_FIELDS):
            raise _unknown(unknown[0], source, 1 if kind == "csv" else row.number)
        yield _item(row, kind, options)


def _item(row: Row, kind: RowFormat, options: Mapping[str, Any]) -> Item | Reject:
    try:
        own = read_row_options(row.others, kind)
    except InvalidRequestError as error:
        return Reject(row.number, f"{error.param}: {error}", row.prompt)
    name = row.id if isinstance(row.id, str | int) and str(row.id).strip() else row.prompt
    return Item(row.number, row.prompt, {**options, **own}, f"{row.number:04d}-{stem_of(str(name))}", row.id)


def _unknown(name: str, source: str, line: int) -> InvalidRequestError:
    where = "standard input" if source == "-" else source
    known = ", ".join(["prompt", "id", *sorted(ROW_FIELDS)])
    return InvalidRequestError(f"{where}, line {line}: there is no field {name!r}; known are {known}", param="input")


def _folder(folder: Path, options: Mapping[str, Any]) -> Iterator[Item | Reject]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".txt" and path.is_file())
    if not files:
        raise InvalidRequestError(f"{folder}: no .txt files in this folder, one prompt each", param="input")
    for number, path in enumerate(files, 1):
        try:
            prompt = path.read_text("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            yield Reject(number, f"{path.name}: not UTF-8 at byte {error.start}", "")
            continue
        if prompt:
            yield Item(number, prompt, options, path.stem, path.name)
        else:
            yield Reject(number, f"{path.name}: is empty", "")
