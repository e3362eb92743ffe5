"""Pictures on disk: whole or not there, under ids nobody can guess."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serve.errors import NotFoundError
from serve.image_store import ImageStore
from serve.pictures import Picture
from tests.conftest import ROOT

# What runs when the store asks for the bytes: by then it has opened the file that they go into.
_KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from serve.image_store import ImageStore
from serve.pictures import Picture

class Deadly(Picture):
    def __getattribute__(self, name):
        if name == "data":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)

store, whole = ImageStore(Path(sys.argv[1])), Path(sys.argv[2]).read_bytes()
store.keep(Picture(whole, "image/png", 8, 8))
store.keep(Deadly(whole, "image/png", 8, 8))
"""


class Interrupted(Picture):
    """A picture that lets somebody act between the opening of its file and the writing."""

    act: Callable[[], Any]

    def __getattribute__(self, name: str) -> Any:
        if name == "data":
            type(self).act()
        return super().__getattribute__(name)


def picture(data: bytes) -> Picture:
    return Picture(data, "image/png", 8, 8)


def test_a_kept_picture_is_found_under_its_id(tmp_path: Path, png: bytes) -> None:
    """Each picture gets 32 hex digits of its own, the vendor's bytes and their type."""
    store = ImageStore(tmp_path / "images")
    first, second = store.keep(picture(png)), store.keep(picture(png))
    assert first != second
    assert len(first) == 32
    found = store.find(first)
    assert (found.path.read_bytes(), found.media_type) == (png, "image/png")
    assert found.path.name == f"{first}.png"
    assert store.read(second) == png


def test_nothing_unfinished_stays_behind(tmp_path: Path, png: bytes) -> None:
    """After storing, and after failing to, the folder holds whole pictures only."""
    store = ImageStore(tmp_path)
    image_id = store.keep(picture(png))
    with pytest.raises(TypeError):
        store.keep(picture("not bytes"))  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [f"{image_id}.png"]


@pytest.mark.parametrize("image_id", ["", ".", "..", "../x", "0" * 32, "0" * 32 + "\n", "\u0660" * 32, "F" * 32])
def test_what_is_no_id_finds_nothing(image_id: str, tmp_path: Path) -> None:
    """Ids are 32 lower-case hex digits and nothing else."""
    with pytest.raises(NotFoundError):
        ImageStore(tmp_path).find(image_id)
    with pytest.raises(NotFoundError):
        ImageStore(tmp_path).read(image_id)


def test_a_file_that_is_no_picture_is_not_served(tmp_path: Path) -> None:
    """The bytes decide: a script under a picture's name is not found."""
    image_id = "a" * 32
    (tmp_path / f"{image_id}.png").write_text("<svg onload='alert(1)'/>")
    with pytest.raises(NotFoundError):
        ImageStore(tmp_path).find(image_id)


def test_what_a_killed_process_left_is_tidied_away(tmp_path: Path, png: bytes) -> None:
    """A process killed while writing leaves its finished picture and an unfinished file; a start deletes only that."""
    folder, source = tmp_path / "images", tmp_path / "source.png"
    source.write_bytes(png)
    arguments = [sys.executable, "-c", _KILLED_WHILE_WRITING, str(folder), str(source)]
    assert subprocess.run(arguments, cwd=ROOT, timeout=60, check=False).returncode == -9
    assert sorted(path.suffix for path in folder.iterdir()) == [".part", ".png"]
    assert ImageStore(folder).tidy() == 1
    (kept,) = folder.iterdir()
    assert ImageStore(folder).read(kept.stem) == png


def test_tidying_touches_nothing_else(tmp_path: Path, png: bytes) -> None:
    """Finished pictures and files that are not the store's stay; an empty or missing folder is tidy."""
    assert ImageStore(tmp_path / "missing").tidy() == 0
    store = ImageStore(tmp_path)
    store.keep(picture(png))
    (tmp_path / "download.part").write_bytes(b"somebody else's")
    before = sorted(tmp_path.iterdir())
    assert store.tidy() == 0
    assert sorted(tmp_path.iterdir()) == before


def test_a_start_beside_a_writer_costs_no_picture(tmp_path: Path, png: bytes) -> None:
    """Another process that tidies in the middle of a write makes the writer write again."""
    tidied: list[int] = []

    class TidiedOnce(Interrupted):
        @staticmethod
        def act() -> None:
            if not tidied:
                tidied.append(ImageStore(tmp_path).tidy())

    image_id = ImageStore(tmp_path).keep(TidiedOnce(png, "image/png", 8, 8))
    assert tidied == [1]
    assert ImageStore(tmp_path).read(image_id) == png


def test_a_writer_that_is_never_left_alone_gives_up(tmp_path: Path, png: bytes) -> None:
    """It does not try for ever, and says what is wrong."""

    class TidiedAlways(Interrupted):
        @staticmethod
        def act() -> None:
            ImageStore(tmp_path).tidy()

    with pytest.raises(OSError, match="keeps deleting"):
        ImageStore(tmp_path).keep(TidiedAlways(png, "image/png", 8, 8))
