"""JPEG: markers, most of them with a segment behind, and entropy-coded data after each start of scan.

Source of facts: ITU-T T.81, annex B. Frames of all coding processes are walked alike. What T.81 allows and no browser
or library draws is refused: a hierarchical file (several frames), and a height that only a later marker tells.
"""

from __future__ import annotations

import re

from serve.picture_format.flaw import damaged
from serve.picture_format.limits import PictureLimits
from serve.picture_format.tape import Reading, Tape

SIGNATURE = b"\xff\xd8\xff"
_NO_FRAMES = {0xC4, 0xC8, 0xCC}  # tables, and one code that is reserved
_FRAMES = set(range(0xC0, 0xD0)) - _NO_FRAMES
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _TEMPORARY = 0xD8, 0xD9, 0xDA, 0x01
# In coded data, FF 00 is a plain FF, D0 to D7 are restarts, and a second FF only fills.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_AFTER_FILLING = re.compile(rb"\xff[^\xff]", re.DOTALL)
_FRAME_HEAD_BYTES = 6


def walk_jpeg(tape: Tape, limits: PictureLimits) -> Reading[tuple[int, int]]:
    """From behind the start-of-image marker through the end-of-image marker; width and height in pixels as stored.

    A turn that Exif asks for is not applied to the size.

    Raises:
        PictureFlawError: a segment is broken, misplaced or missing, or the declared size is over the limits.
    """
    size: tuple[int, int] | None = None
    scanned = False
    marker = yield from _marker(tape)
    while marker != _END_OF_IMAGE:
        length = yield from _length(tape, marker)
        if marker in _FRAMES:
            if size is not None:
                raise damaged("it declares two frames")
            size = yield from _frame(tape, length)
            limits.check_size(*size)
        else:
            yield from tape.skip(length)
        if marker == _START_OF_SCAN:
            if size is None:
                raise damaged("its pixel data comes before its size")
            marker = yield from tape.skip_to(_MARKER_IN_SCAN)
            scanned = True
        else:
            marker = yield from _marker(tape)
    if size is None or not scanned:
        raise damaged("it ends without pixel data")
    return size


def _marker(tape: Tape) -> Reading[int]:
    if (yield from tape.take(1)) != b"\xff":
        raise damaged("something stands where a marker must begin")
    return (yield from tape.skip_to(_AFTER_FILLING, edge=b"\xff"))


def _length(tape: Tape, marker: int) -> Reading[int]:
    """How many bytes of the segment follow its length field."""
    tape.count_part()
    if marker == _TEMPORARY:
        return 0
    if marker == 0 or 0xD0 <= marker <= _START_OF_IMAGE:
        raise damaged("a marker stands where it may not")
    length = int.from_bytes((yield from tape.take(2)))
    if length < 2:
        raise damaged("a segment is shorter than its own length field")
    return length - 2


def _frame(tape: Tape, length: int) -> Reading[tuple[int, int]]:
    if length < _FRAME_HEAD_BYTES:
        raise damaged("its frame header is too short")
    head = yield from tape.take(_FRAME_HEAD_BYTES)
    components = head[5]
    if not components or length != _FRAME_HEAD_BYTES + 3 * components:
        raise damaged("its frame header has another length than its components need")
    yield from tape.skip(length - _FRAME_HEAD_BYTES)
    return int.from_bytes(head[3:5]), int.from_bytes(head[1:3])
