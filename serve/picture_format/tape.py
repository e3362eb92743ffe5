"""A picture's bytes in order, read by a walk that waits where more must come first.

A walk is a generator: it takes what it needs from the tape and yields whenever the tape has run out, so that the same
code checks a file in one piece and one that arrives in crumbs. Nothing is kept but the few bytes of a header.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator
from typing import TypeVar

from serve.picture_format.flaw import damaged
from serve.picture_format.limits import MAX_PARTS

T = TypeVar("T")
Reading = Generator[None, None, T]
"""Yields when more bytes must come; returns what was read."""


class Tape:
    """The bytes that came and are not read yet; `offset` counts those that are."""

    def __init__(self) -> None:
        self.offset = 0
        self._rest = memoryview(b"")
        self._parts = 0

    def put(self, piece: memoryview) -> None:
        """The next bytes, once the earlier ones are read."""
        self._rest = piece

    def count_part(self) -> None:
        """Another chunk or segment begins.

        Raises:
            PictureFlawError: there are more of them than any encoder writes.
        """
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise damaged(f"it has more than {MAX_PARTS} parts")

    def take(self, count: int) -> Reading[bytes]:
        """Exactly `count` bytes; for headers, as they are held."""
        held = b""
        while True:
            held += self._next(count - len(held))
            if len(held) == count:
                return held
            yield

    def skip(self, count: int) -> Reading[None]:
        """Pass over `count` bytes."""
        while (count := count - len(self._next(count))) > 0:
            yield

    def checksum(self, count: int, crc: int) -> Reading[int]:
        """Pass over `count` bytes; the CRC-32 of what `crc` already covers and of them."""
        while True:
            piece = self._next(count)
            crc = zlib.crc32(piece, crc)
            count -= len(piece)
            if count == 0:
                return crc
            yield

    def skip_to(self, pattern: re.Pattern[bytes], edge: bytes = b"") -> Reading[int]:
        """Pass over everything up to the first match of a two-byte `pattern`, and over the match: its second byte.

        Linear however the bytes are cut: a last byte that may begin a match is looked at again with the next one.
        `edge` is such a byte that was read already.
        """
        while True:
            if edge and (found := pattern.match(edge + bytes(self._rest[:1]))):
                self._next(1)
                return found.group()[1]
            if found := pattern.search(self._rest):
                self._next(found.end())
                return found.group()[1]
            edge = bytes(self._rest[-1:]) or edge
            self._next(len(self._rest))
            yield

    def _next(self, most: int) -> memoryview:
        piece = self._rest[:most]
        self._rest = self._rest[len(piece) :]
        self.offset += len(piece)
        return piece
