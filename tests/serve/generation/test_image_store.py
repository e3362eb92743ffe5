"""Pictures on disk: whole or not there, under ids nobody can guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve.errors import NotFoundError
from serve.image_store import ImageStore
from serve.pictures import Picture


def test_a_kept_picture_is_found_under_its_id(tmp_path: Path, png: bytes) -> None:
    """Each picture gets 32 hex digits of its own, the vendor's bytes and their type."""
    store = ImageStore(tmp_path / "images")
    first, second = store.keep([Picture(png, "image/png"), Picture(png, "image/png")])
    assert first != second
    assert len(first) == 32
    found = store.find(first)
    assert (found.path.read_bytes(), found.media_type) == (png, "image/png")
    assert found.path.name == f"{first}.png"


def test_nothing_unfinished_stays_behind(tmp_path: Path, png: bytes) -> None:
    """After storing, and after failing to, the folder holds whole pictures only."""
    store = ImageStore(tmp_path)
    (image_id,) = store.keep([Picture(png, "image/png")])
    with pytest.raises(TypeError):
        store.keep([Picture("not bytes", "image/png")])  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [f"{image_id}.png"]


@pytest.mark.parametrize("image_id", ["", ".", "..", "../x", "0" * 32, "0" * 32 + "\n", "\u0660" * 32, "F" * 32])
def test_what_is_no_id_finds_nothing(image_id: str, tmp_path: Path) -> None:
    """Ids are 32 lower-case hex digits and nothing else."""
    with pytest.raises(NotFoundError):
        ImageStore(tmp_path).find(image_id)


def test_a_file_that_is_no_picture_is_not_served(tmp_path: Path) -> None:
    """The bytes decide: a script under a picture's name is not found."""
    image_id = "a" * 32
    (tmp_path / f"{image_id}.png").write_text("<svg onload='alert(1)'/>")
    with pytest.raises(NotFoundError):
        ImageStore(tmp_path).find(image_id)
