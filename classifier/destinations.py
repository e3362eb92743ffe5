"""Where answers and rejects go: looked at before a file is touched, so that none is lost that is still needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TextIO

from classifier.errors import OutputError


def check_destinations(source: str, target: str, rejects: Path | None) -> None:
    """See that input, output and rejects are three files, and that the two to be written can be. Touches nothing.

    Raises:
        OutputError: two of them are one file, or one to be written is a folder or lies in none.
    """
    # A shell may have tied a pipe to one of the files.
    places = {"--input": _path(source, "/dev/stdin"), "--output": _path(target, "/dev/stdout")}
    places |= {"--rejects": rejects} if rejects else {}
    for (one, path), (other, same) in combinations(places.items(), 2):
        if _is_one_file(path, same):
            raise OutputError(f"{one} and {other} are one file, {same}: name another one; nothing was touched")
    for option, path in list(places.items())[1:]:
        _check_folder(option, path)


def create(path: Path) -> TextIO:
    """An empty file for UTF-8 text.

    Raises:
        OutputError: it cannot be written there.
    """
    with _told(path):
        return path.open("w", encoding="utf-8", newline="")


def clear(path: Path) -> None:
    """Remove what an earlier run left; what is no file (`/dev/null`) stays.

    Raises:
        OutputError: it cannot be removed.
    """
    with _told(path):
        if path.is_file():
            path.unlink()


def _path(name: str, pipe: str) -> Path:
    return Path(pipe if name == "-" else name)


def _is_one_file(one: Path, other: Path) -> bool:
    if os.path.exists(one) and os.path.exists(other):
        # A terminal, a pipe or /dev/null may well be two of them.
        return one.is_file() and one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def _check_folder(option: str, path: Path) -> None:
    if os.path.isdir(path):
        raise OutputError(f"{option} {path} is a folder: name a file in it")
    if not os.path.isdir(path.parent):
        raise OutputError(f"{option} {path}: there is no folder {path.parent}; make it first")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): name a file that can be") from error
