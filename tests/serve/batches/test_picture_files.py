"""Writing pictures: as they came, under a true name, over nobody else's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve.batches.picture_files import Target, tidy, write_pictures

PNG = b"\x89PNG\r\n\x1a\n and so on"
JPEG = b"\xff\xd8\xff\xe0 and so on"
WEBP = b"RIFF....WEBP and so on"


def written(output: Path, *pictures: bytes, force: bool = False) -> list[str]:
    """The names under which pictures are written when `output` is asked for."""
    return [path.name for path in write_pictures(Target.of(output), pictures, force=force)]


@pytest.mark.parametrize(
    ("asked", "data", "name"),
    [
        ("a.png", PNG, "a.png"),
        ("a.png", JPEG, "a.jpg"),
        ("a.PNG", WEBP, "a.webp"),
        ("a.jpeg", JPEG, "a.jpeg"),
        ("a", JPEG, "a.jpg"),
        ("v1.2", PNG, "v1.2.png"),
    ],
)
def test_the_extension_follows_the_bytes(asked: str, data: bytes, name: str, tmp_path: Path) -> None:
    """An extension that is true stays as it was asked for; any other gives way."""
    assert written(tmp_path / "new" / asked, data) == [name]
    assert (tmp_path / "new" / name).read_bytes() == data


def test_several_pictures_are_numbered(tmp_path: Path) -> None:
    """Each by its own bytes."""
    assert written(tmp_path / "a.png", PNG, JPEG) == ["a-1.png", "a-2.jpg"]


def test_no_file_is_overwritten_unless_forced(tmp_path: Path) -> None:
    """Another file of the same name stays; a third one finds its place beside both; force replaces the first."""
    (tmp_path / "a.png").write_bytes(b"somebody's")
    assert written(tmp_path / "a.png", PNG) == ["a~2.png"]
    assert written(tmp_path / "a.png", PNG + b"!") == ["a~3.png"]
    assert (tmp_path / "a.png").read_bytes() == b"somebody's"
    assert written(tmp_path / "a.png", PNG, force=True) == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == PNG


def test_the_same_bytes_are_written_once(tmp_path: Path) -> None:
    """A run that was killed between the file and the manifest finds its file again."""
    assert written(tmp_path / "a.png", PNG) == written(tmp_path / "a.png", PNG) == ["a.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_only_our_own_leftovers_are_tidied_away(tmp_path: Path) -> None:
    """Unfinished files have a name of their own."""
    for name in (f".{'0f' * 8}.part", ".mine.part", "a.part"):
        (tmp_path / name).touch()
    tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.part", "a.part"]


def test_which_names_are_taken_is_known_before_drawing(tmp_path: Path) -> None:
    """All of a request's names, with the extension asked for."""
    (tmp_path / "a-2.png").touch()
    target = Target.of(tmp_path / "a.png")
    assert (target.taken(1), target.taken(2)) == ([], [tmp_path / "a-2.png"])
    assert Target.of(tmp_path / "a.webp").taken(2) == []
