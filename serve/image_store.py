"""Pictures on disk under unguessable ids: whoever knows an id may see its picture."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serve.errors import NotFoundError
from serve.pictures import Picture, media_type_of

_ID = re.compile(r"[0-9a-f]{32}")
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_HEAD_BYTES = 16


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture's file and what its first bytes say it is."""

    path: Path
    media_type: str


class ImageStore:
    """A folder of `<id>.<ext>`; ids are 128 random bits in hex. Every method blocks: call it from a worker thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, pictures: Sequence[Picture]) -> tuple[str, ...]:
        """Store the pictures' bytes as they are; one new id each, in order.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        return tuple(self._keep(picture) for picture in pictures)

    def find(self, image_id: str) -> StoredImage:
        """The picture with this id.

        Raises:
            NotFoundError: no such id, or nothing that could be one.
        """
        if _ID.fullmatch(image_id):
            for extension in _EXTENSIONS.values():
                path = self._folder / f"{image_id}.{extension}"
                if (media_type := _media_type(path)) is not None:
                    return StoredImage(path, media_type)
        raise NotFoundError("no image has this id")

    def _keep(self, picture: Picture) -> str:
        image_id = secrets.token_hex(16)
        path = self._folder / f"{image_id}.{_EXTENSIONS[picture.media_type]}"
        unfinished = path.with_suffix(".part")
        try:
            with unfinished.open("wb") as file:
                file.write(picture.data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return image_id


def _media_type(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return media_type_of(file.read(_HEAD_BYTES))
    except FileNotFoundError:
        return None
