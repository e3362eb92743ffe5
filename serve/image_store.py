"""Pictures on disk under unguessable ids: whoever knows an id may see its picture."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from serve.errors import NotFoundError, ServiceError
from serve.picture_format import media_type_of
from serve.pictures import Picture

_ID = re.compile(r"[0-9a-f]{32}")
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_UNFINISHED = ".part"
_HEAD_BYTES = 16
_TRIES = 5


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture's file and what its first bytes say it is."""

    path: Path
    media_type: str


class ImageStore:
    """A folder of `<id>.<ext>`; ids are 128 random bits in hex. Every method blocks: call it from a worker thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, picture: Picture) -> str:
        """Store the picture's bytes as they are, under a new id.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        image_id = secrets.token_hex(16)
        # As text, for every picture pays for it: `Path` takes longer to put names together.
        path = f"{self._folder}/{image_id}"
        for _ in range(_TRIES):
            try:
                _write(path, picture)
            except FileNotFoundError:  # nothing was ever kept here, or a process that starts has tidied it away
                self._folder.mkdir(parents=True, exist_ok=True)
            else:
                return image_id
        raise FileNotFoundError(errno.ENOENT, "something keeps deleting unfinished pictures", path)

    def tidy(self) -> int:
        """Delete what a crashed process left unfinished, finished pictures never; how many files there were.

        For the start of a process. Another one that is writing just then notices and writes its picture again.
        """
        removed = 0
        for path in self._folder.glob(f"*{_UNFINISHED}"):
            # Another process tidied first, or (on Windows) is writing this very file.
            with contextlib.suppress(OSError):
                if _ID.fullmatch(path.stem):
                    path.unlink()
                    removed += 1
        return removed

    def read(self, image_id: str) -> bytes:
        """The bytes of the picture with this id, as the vendor sent them.

        Raises:
            NotFoundError: no such id, or nothing that could be one.
            ServiceError: its file cannot be read.
        """
        try:
            return self.find(image_id).path.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError("no image has this id") from error
        except OSError as error:
            raise ServiceError(
                f"/v1/images/{image_id} was drawn, billed and stored, and cannot be read ({error.strerror}): see that "
                "the disk and the file are in order, and fetch it there",
                code="storage_error",
            ) from error

    def find(self, image_id: str) -> StoredImage:
        """The picture with this id.

        Raises:
            NotFoundError: no such id, or nothing that could be one.
            OSError: its file cannot be read.
        """
        if _ID.fullmatch(image_id):
            for extension in _EXTENSIONS.values():
                path = self._folder / f"{image_id}.{extension}"
                if (media_type := _media_type(path)) is not None:
                    return StoredImage(path, media_type)
        raise NotFoundError("no image has this id")


def _write(path: str, picture: Picture) -> None:
    """Under its name once it is whole, not before.

    No kill takes it back. A power cut may take the last ones, as it may the rows that lead to them, for which nobody
    waits either.
    """
    unfinished = path + _UNFINISHED
    try:
        with open(unfinished, "wb") as file:
            file.write(picture.data)
        os.replace(unfinished, f"{path}.{_EXTENSIONS[picture.media_type]}")
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)
        raise


def _media_type(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return media_type_of(file.read(_HEAD_BYTES))
    except FileNotFoundError:
        return None
