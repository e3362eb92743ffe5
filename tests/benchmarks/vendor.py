"""A vendor for benchmarks: OpenAI's images endpoint, with one picture, as fast as Python can say it.

`python -m tests.benchmarks.vendor PORT`. A prompt that holds `SLOW` is answered after 50 ms, one that holds `LARGE`
with 1.1 MB; every other at once, with two kilobytes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import sys
import zlib
from typing import cast

import uvloop

SLOW, LARGE = "after a pause", "in great detail"
_PAUSE_S = 0.05
_SMALL_BYTES, _LARGE_BYTES = 2_000, 1_100_000


def picture(size: int) -> bytes:
    """A whole PNG of about `size` bytes: grey noise, which does not compress."""
    side = round(size**0.5)
    rows = b"".join(b"\0" + os.urandom(side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def answer(size: int) -> bytes:
    """A whole HTTP answer with a picture of about `size` bytes."""
    usage = {"input_tokens": 8, "output_tokens": 196, "total_tokens": 204}
    image = {"b64_json": base64.b64encode(picture(size)).decode()}
    body = json.dumps({"created": 1_795_000_000, "data": [image], "usage": usage}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Vendor(asyncio.Protocol):
    """One connection: reads requests to their end, one after the other, and answers them."""

    def __init__(self, small: bytes, large: bytes) -> None:
        self._replies = (small, large)
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour

    def data_received(self, data: bytes) -> None:
        """Asyncio's. A request is over when its declared length is there."""
        self._read += data
        head, blank, rest = self._read.partition(b"\r\n\r\n")
        fields = (line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:])
        length = next((int(value) for name, value in fields if name == b"content-length"), 0)
        if not blank or len(rest) < length:
            return
        self._read = b""
        reply = self._replies[LARGE.encode() in rest]
        asyncio.get_running_loop().call_later(_PAUSE_S if SLOW.encode() in rest else 0, self._say, reply)

    def _say(self, reply: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(reply)


async def main(port: int) -> None:
    """Serve until the process is ended."""
    small, large = answer(_SMALL_BYTES), answer(_LARGE_BYTES)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(small, large), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
