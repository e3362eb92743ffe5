"""WebP: a RIFF container that states its own length, of a lossy (VP8) or lossless (VP8L) picture or of an animation.

Source of facts: the WebP container specification, RFC 9649; RFC 6386 for the head of a VP8 frame.
"""

from __future__ import annotations

from serve.picture_format.flaw import damaged
from serve.picture_format.limits import PictureLimits
from serve.picture_format.tape import Reading, Tape

RIFF, WEBP = b"RIFF", b"WEBP"
_EXTENDED, _LOSSY, _LOSSLESS, _FRAME = b"VP8X", b"VP8 ", b"VP8L", b"ANMF"
_HEAD_BYTES = {_EXTENDED: 10, _LOSSY: 10, _LOSSLESS: 5, _FRAME: 16}
_ANIMATED = 0x02
_LEAST_BYTES = 4 + 8 + 5
Size = tuple[int, int]


def walk_webp(tape: Tape, limits: PictureLimits, stated: int) -> Reading[Size]:
    """From behind "WEBP" to the last byte that the container states; width and height in pixels.

    `stated` is the container's length in bytes, from "WEBP" on.

    Raises:
        PictureFlawError: a chunk is broken, misplaced or missing, or the declared size is over the limits.
    """
    limits.check_bytes(8 + stated)
    if stated < _LEAST_BYTES:
        raise damaged("its container holds no picture")
    end = tape.offset - 4 + stated
    first, head, rest = yield from _chunk_head(tape, end)
    if first not in (_EXTENDED, _LOSSY, _LOSSLESS):
        raise damaged("it begins with another chunk than a picture's")
    size = _size(first, head)
    limits.check_size(*size)
    yield from tape.skip(rest)
    extended, animated = first == _EXTENDED, bool(head[0] & _ANIMATED)
    drawn = not extended
    while tape.offset < end:
        kind, head, rest = yield from _chunk_head(tape, end)
        drawn |= extended and _is_drawn(kind, head, size, animated=animated)
        yield from tape.skip(rest)
    if not drawn:
        raise damaged("it ends without pixel data")
    return size


def _chunk_head(tape: Tape, end: int) -> Reading[tuple[bytes, bytes, int]]:
    """A chunk's name; where the beginning of its payload matters, that; how many bytes follow, padding included."""
    tape.count_part()
    if end - tape.offset < 8:
        raise damaged("its last chunk does not fit in")
    intro = yield from tape.take(8)
    kind, length = intro[:4], int.from_bytes(intro[4:], "little")
    if length > end - tape.offset:
        raise damaged("a chunk is longer than the container")
    wanted = _HEAD_BYTES.get(kind, 0)
    if length < wanted:
        raise damaged("a chunk is too short for its kind")
    head = yield from tape.take(wanted)
    # Chunks are padded to even lengths; some writers leave the very last pad out.
    return kind, head, min(length + length % 2 - wanted, end - tape.offset)


def _is_drawn(kind: bytes, head: bytes, canvas: Size, *, animated: bool) -> bool:
    """Whether this chunk of an extended file brings pixels, of the size that the file declares."""
    if kind == _FRAME and animated:
        left, top, width, height = (int.from_bytes(head[at : at + 3], "little") for at in (0, 3, 6, 9))
        if 2 * left + width + 1 > canvas[0] or 2 * top + height + 1 > canvas[1]:
            raise damaged("a frame reaches over the edge")
        return True
    if kind in (_LOSSY, _LOSSLESS) and not animated:
        if _size(kind, head) != canvas:
            raise damaged("it declares two sizes")
        return True
    return False


def _size(kind: bytes, head: bytes) -> Size:
    if kind == _EXTENDED:
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if kind == _LOSSY:
        if head[0] & 1 or head[3:6] != b"\x9d\x01\x2a":
            raise damaged("its lossy picture does not begin as one")
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    bits = int.from_bytes(head[1:5], "little")
    if head[0] != 0x2F or bits >> 29:
        raise damaged("its lossless picture does not begin as one")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
