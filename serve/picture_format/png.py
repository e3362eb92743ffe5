"""PNG: a signature, then chunks of length, type, payload and CRC-32, from IHDR to IEND.

Source of facts: the PNG specification, third edition. Ancillary chunks, an animation's frames among them, are walked
and not read. A critical chunk that nobody knows is refused, as decoders must.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from serve.picture_format.flaw import damaged
from serve.picture_format.limits import PictureLimits
from serve.picture_format.tape import Reading, Tape

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PALETTE = 3
_HEADER_BYTES = 13
_LONGEST_PALETTE = 3 * 256
_LONGEST = (1 << 31) - 1


@dataclass(slots=True)
class _Order:
    """Which critical chunks came so far, and whether the next one may come now."""

    coloured_by_palette: bool
    palette: bool = False
    pixels: int = 0
    pixels_ended: bool = False

    def accept(self, kind: bytes, length: int) -> None:
        """Note a chunk after the header.

        Raises:
            PictureFlawError: it may not stand here, or something essential is missing before it.
        """
        if kind == b"IDAT":
            if self.pixels_ended:
                raise damaged("its pixel data is not in one piece")
            if self.coloured_by_palette and not self.palette:
                raise damaged("its palette is missing")
            self.pixels += length
            return
        self.pixels_ended = self.pixels > 0
        if kind == b"PLTE":
            self._accept_palette(length)
        elif kind == b"IEND":
            if not self.pixels or length:
                raise damaged("it ends without pixel data" if not self.pixels else "its end is no end")
        elif not kind[0] & 0x20:
            raise damaged("it has a critical chunk that PNG does not know there")

    def _accept_palette(self, length: int) -> None:
        if self.palette or self.pixels or length % 3 or not 0 < length <= _LONGEST_PALETTE:
            raise damaged("its palette is broken")
        self.palette = True


def walk_png(tape: Tape, limits: PictureLimits) -> Reading[tuple[int, int]]:
    """From behind the signature to the end of IEND; width and height in pixels.

    Raises:
        PictureFlawError: a chunk is broken, misplaced or missing, or the declared size is over the limits.
    """
    header = yield from _header(tape)
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    limits.check_size(width, height)
    order = _Order(coloured_by_palette=header[9] == _PALETTE)
    kind = b"IHDR"
    while kind != b"IEND":
        kind, length = yield from _chunk_head(tape)
        order.accept(kind, length)
        crc = yield from tape.checksum(length, zlib.crc32(kind))
        yield from _compare(tape, crc)
    return width, height


def _header(tape: Tape) -> Reading[bytes]:
    kind, length = yield from _chunk_head(tape)
    if (kind, length) != (b"IHDR", _HEADER_BYTES):
        raise damaged("its header does not come first")
    header = yield from tape.take(_HEADER_BYTES)
    yield from _compare(tape, zlib.crc32(header, zlib.crc32(kind)))
    depth, colour, compression, filtering, interlace = header[8:]
    if depth not in _DEPTHS.get(colour, ()):
        raise damaged("its header declares colours that PNG does not have")
    if compression or filtering or interlace > 1:
        raise damaged("its header declares a method that PNG does not have")
    return header


def _chunk_head(tape: Tape) -> Reading[tuple[bytes, int]]:
    tape.count_part()
    head = yield from tape.take(8)
    length, kind = int.from_bytes(head[:4]), head[4:]
    if length > _LONGEST or not kind.isalpha():
        raise damaged("something stands where a chunk must begin")
    return kind, length


def _compare(tape: Tape, crc: int) -> Reading[None]:
    stated = yield from tape.take(4)
    if int.from_bytes(stated) != crc:
        raise damaged("a checksum is wrong")
