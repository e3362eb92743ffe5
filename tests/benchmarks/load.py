"""A closed loop of clients on raw sockets: each sends its next request when it has the whole answer to the last."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Body = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Load:
    """What `clients` at once saw: seconds a request, and seconds for all of it."""

    clients: int
    seconds: list[float]
    lasted: float

    @property
    def p50_ms(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.seconds) * 1000

    @property
    def p99_ms(self) -> float:
        """The 99th percentile, in milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return len(self.seconds) / self.lasted


def images_body(model: str, wish: str = "") -> Body:
    """OpenAI's images request, its prompt another one each time; `wish` is one of the vendor's words, or nothing."""

    def body(number: int) -> bytes:
        prompt = f"a red bicycle leaning on wall number {number} {wish}".strip()
        return json.dumps({"model": model, "prompt": prompt}).encode()

    return body


async def press(port: int, path: str, body: Body, clients: int, requests: int, first: int = 0) -> Load:
    """Send `requests`, `clients` at once.

    Raises:
        RuntimeError: an answer was no 200.
    """
    numbers = iter(range(first, first + requests))
    seconds: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        for number in numbers:
            began = time.perf_counter()
            writer.write(_request(path, body(number)))
            await _answer(reader)
            seconds.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(clients, seconds, time.perf_counter() - began)


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer sk-bench\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if line)
    if b"transfer-encoding" in fields:
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(fields[b"content-length"]))
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{head.splitlines()[0].decode()}: {body[:500]!r}")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(pieces)
