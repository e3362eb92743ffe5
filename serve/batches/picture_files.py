"""Pictures as files: the vendor's bytes as they came, under a name that says what they are, over nobody else's file."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from serve.picture_format import media_type_of

_EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
_FORMATS = {".png": "png", ".jpg": "jpeg", ".webp": "webp"}
_SPELLINGS = {".png": ".png", ".jpg": ".jpg", ".jpeg": ".jpg", ".webp": ".webp"}
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request's pictures go: `stem` in `folder`, with `suffix` where it is true of the bytes ("" for any)."""

    folder: Path
    stem: str
    suffix: str = ""

    @classmethod
    def of(cls, output: Path) -> Target:
        """The target that a path names. An ending that is no picture's belongs to the name."""
        known = output.suffix.lower() in _SPELLINGS
        return cls(output.parent, output.stem if known else output.name, output.suffix if known else "")

    @property
    def format(self) -> str | None:
        """The format that its suffix asks for, as `output_format` spells it; None where it has none."""
        return _FORMATS[_SPELLINGS[self.suffix.lower()]] if self.suffix else None

    def paths(self, pictures: int, extension: str) -> list[Path]:
        """The names of so many pictures: numbered from 1, unless there is one only."""
        suffix = self.suffix if _SPELLINGS.get(self.suffix.lower()) == extension else extension
        marks = [""] if pictures == 1 else [f"-{number}" for number in range(1, pictures + 1)]
        return [self.folder / f"{self.stem}{mark}{suffix}" for mark in marks]

    def taken(self, pictures: int) -> list[Path]:
        """Those of its names that exist already, with the extension asked for, or with any where none was."""
        wanted = [_SPELLINGS[self.suffix.lower()]] if self.suffix else list(_EXTENSIONS.values())
        return [path for extension in wanted for path in self.paths(pictures, extension) if path.exists()]


def extension_of(data: bytes) -> str:
    """The extension that the bytes themselves ask for."""
    return _EXTENSIONS.get(media_type_of(data) or "", ".bin")


def write_pictures(target: Target, pictures: Sequence[bytes], *, force: bool) -> list[Path]:
    """Write the pictures, each whole and on the disk before it has its name; returns where they are.

    A file that is there already is overwritten only with `force`; otherwise "name~2", "name~3" and so on are taken, and
    a file with the very same bytes counts as written.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    target.folder.mkdir(parents=True, exist_ok=True)
    written = []
    for at, data in enumerate(pictures):
        path = target.paths(len(pictures), extension_of(data))[at]
        written.append(_write(path, data) if force else _write_beside(path, data))
    sync_folder(target.folder)
    return written


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk, where the system can be asked for it."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def tidy(folder: Path) -> None:
    """Delete what a killed process left unfinished. For a folder that nobody else is writing to."""
    for path in folder.glob(".*.part"):
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _write_beside(path: Path, data: bytes) -> Path:
    for name in _names(path):
        if not name.exists():
            return _write(name, data)
        if name.is_file() and name.read_bytes() == data:
            return name
    raise FileExistsError(path)  # the names never end


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}~{number}{path.suffix}")


def _write(path: Path, data: bytes) -> Path:
    unfinished = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
