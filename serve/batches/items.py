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

from pydantic import ValidationError

from classifier.rows import Reject, Row, RowFormat, format_of, read_rows
from serve.errors import InvalidRequestError
from serve.schemas import GenerateBody

Identity = tuple[str, str, int]
"""SHA-256 of the prompt, its options as canonical JSON, and how many equal ones stand before it in the input."""

_STEM_CHARS = 40
_NOT_A_NAME = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt to be drawn.

    Attributes:
        index: its row in the input, from 1.
        options: the fields of `GenerateBody` that decide what its picture looks like.
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
    """The items of a file, of a pipe ("-") or of a folder of .txt files, all with the same options.

    Raises:
        RowError: the file's name does not say its format, and `kind` does not either.
        InvalidRequestError: there is nothing to read.
    """
    rows = list(_folder(Path(source)) if Path(source).is_dir() else _file(source, kind))
    found = [entry for entry in rows if not isinstance(entry, Reject)]
    items = [Item(row.number, row.prompt, options, stem, row.id) for row, stem in found]
    return Reading(tuple(_counted(items)), tuple(entry for entry in rows if isinstance(entry, Reject)))


def read_body(prompt: str, options: Mapping[str, Any], wishes: Mapping[str, Any]) -> GenerateBody:
    """The request for one item. The same fields make the same bytes, in process and over HTTP.

    Raises:
        InvalidRequestError: a field cannot be meant; `param` names it.
    """
    fields = {"prompt": prompt, "response_format": "b64_json", **options, **wishes}
    try:
        return GenerateBody.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise InvalidRequestError(first["msg"], param=str(first["loc"][0])) from None


def _counted(items: Iterable[Item]) -> Iterator[Item]:
    seen: Counter[Identity] = Counter()
    for item in items:
        yield replace(item, repeat=seen[item.identity])
        seen[item.identity] += 1


def _file(source: str, kind: RowFormat | None) -> Iterator[tuple[Row, str] | Reject]:
    if source == "-":
        yield from _named(sys.stdin.buffer, format_of(source, kind))
        return
    if not Path(source).is_file():
        raise InvalidRequestError(f"{source}: no such file or folder", param="input")
    kind = format_of(source, kind)
    with Path(source).open("rb") as file:
        yield from _named(file, kind)


def _named(lines: Iterable[bytes], kind: RowFormat) -> Iterator[tuple[Row, str] | Reject]:
    for row in read_rows(lines, kind):
        if isinstance(row, Reject):
            yield row
        else:
            own = row.id if isinstance(row.id, str | int) and str(row.id).strip() else row.prompt
            yield row, f"{row.number:04d}-{stem_of(str(own))}"


def _folder(folder: Path) -> Iterator[tuple[Row, str] | Reject]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".txt" and path.is_file())
    if not files:
        raise InvalidRequestError(f"{folder}: no .txt files in this folder, one prompt each", param="input")
    for number, path in enumerate(files, 1):
        try:
            prompt = path.read_text("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            yield Reject(number, f"{path.name}: not UTF-8 at byte {error.start}", "")
            continue
        yield (Row(number, prompt, path.name), path.stem) if prompt else Reject(number, f"{path.name}: is empty", "")
