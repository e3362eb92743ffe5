"""One picture checked while it comes: cut off at the first violation, measured at the end."""

from __future__ import annotations

from dataclasses import dataclass

from serve.picture_format.flaw import PictureFlawError
from serve.picture_format.jpeg import SIGNATURE as JPEG
from serve.picture_format.jpeg import walk_jpeg
from serve.picture_format.limits import PictureLimits
from serve.picture_format.png import SIGNATURE as PNG
from serve.picture_format.png import walk_png
from serve.picture_format.tape import Reading, Tape
from serve.picture_format.webp import RIFF, WEBP, walk_webp

# Short enough that a thread which checks a large picture lets the others run in between.
_SLICE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a whole picture says it is: its media type, and its size in pixels."""

    media_type: str
    width: int
    height: int


def media_type_of(data: bytes) -> str | None:
    """The image type that the first bytes show; None when they show none that we serve (SVG can hold scripts)."""
    if data.startswith(PNG):
        return "image/png"
    if data.startswith(JPEG):
        return "image/jpeg"
    if data[:4] == RIFF and data[8:12] == WEBP:
        return "image/webp"
    return None


def check_picture(data: bytes, limits: PictureLimits | None = None) -> PictureFacts:
    """Check a picture that is there already, in time linear in its length and without a copy of it.

    Raises:
        PictureFlawError: see `PictureCheck`.
    """
    check = PictureCheck(limits, length=len(data))
    whole = memoryview(data)
    for start in range(0, len(data), _SLICE_BYTES):
        check.feed(whole[start : start + _SLICE_BYTES])
    return check.end()


class PictureCheck:
    """Feed it the pieces in order, then ask for the facts.

    Bytes after the end of a PNG or JPEG are let through, within the limits: phones and HDR encoders append a second
    picture there, some encoders pad, and every decoder stops at the end marker. WebP states the file's length itself,
    so there they are a contradiction.

    Args:
        limits: the largest picture; the default limits when None.
        media_type: the type declared elsewhere, None where none is: one of the three that we serve, or a violation.
        length: the length in bytes declared elsewhere, None where none is.

    Raises:
        PictureFlawError: the declared length is over the limit, or the declared type is none that we serve.
    """

    def __init__(
        self, limits: PictureLimits | None = None, *, media_type: str | None = None, length: int | None = None
    ) -> None:
        self._limits = limits or PictureLimits()
        self._declared_type = media_type
        self._declared_length = length
        if media_type not in (None, "image/png", "image/jpeg", "image/webp"):
            raise PictureFlawError("contradiction", "is declared as something else than PNG, JPEG or WebP")
        if length is not None:
            self._limits.check_bytes(length)
        self._count = 0
        self._media_type: str | None = None
        self._facts: PictureFacts | None = None
        self._tape = Tape()
        self._walk = self._read()

    def feed(self, piece: bytes | memoryview) -> None:
        """The next bytes.

        Raises:
            PictureFlawError: they break the format's rules, the limits or the declaration; nothing more is needed.
        """
        self._count += len(piece)
        self._limits.check_bytes(self._count)
        if self._declared_length is not None and self._count > self._declared_length:
            raise PictureFlawError("contradiction", "is longer than declared")
        if self._facts is None:
            self._tape.put(memoryview(piece))
            try:
                next(self._walk)
            except StopIteration as ended:
                self._facts = ended.value
        if self._facts is not None and self._facts.media_type == "image/webp" and self._count > self._tape.offset:
            raise PictureFlawError("contradiction", "is longer than its own header states")

    def end(self) -> PictureFacts:
        """No more bytes come.

        Raises:
            PictureFlawError: the picture is not whole, or shorter than declared.
        """
        if self._media_type is None:
            raise PictureFlawError("not_a_picture", "is neither PNG, JPEG nor WebP")
        if self._facts is None:
            raise PictureFlawError("truncated", f"is cut off after {self._count} bytes")
        if self._declared_length is not None and self._count < self._declared_length:
            raise PictureFlawError("contradiction", "is shorter than declared")
        return self._facts

    def _read(self) -> Reading[PictureFacts]:
        start = yield from self._tape.take(2)
        if start == JPEG[:2]:
            self._found("image/jpeg")
            size = yield from walk_jpeg(self._tape, self._limits)
        elif start == PNG[:2] and (yield from self._tape.take(6)) == PNG[2:]:
            self._found("image/png")
            size = yield from walk_png(self._tape, self._limits)
        elif start == RIFF[:2] and (container := (yield from self._tape.take(10)))[:2] + container[6:] == b"FFWEBP":
            self._found("image/webp")
            size = yield from walk_webp(self._tape, self._limits, int.from_bytes(container[2:6], "little"))
        else:
            raise PictureFlawError("not_a_picture", "is neither PNG, JPEG nor WebP")
        return PictureFacts(self._media_type or "", *size)

    def _found(self, media_type: str) -> None:
        self._media_type = media_type
        if self._declared_type not in (None, media_type):
            raise PictureFlawError("contradiction", f"is declared as {self._declared_type} and is {media_type}")
