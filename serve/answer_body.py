"""The body of a vendor's answer: received up to a limit, and parsed where it holds up nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import httpx

from serve.downloads import unusable
from serve.off_loop import off_loop

_Read = TypeVar("_Read")


async def received(response: httpx.Response, most_bytes: int, provider: str) -> httpx.Response:
    """A streamed `response` read to its end, unpacked and closed. Of a refusal what is over the limit is left.

    Raises:
        UpstreamError: a success has more than `most_bytes`; billed "yes".
    """
    if _is_plain(response, most_bytes):
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in response.aiter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size <= most_bytes:
                continue
            if response.is_success:
                raise unusable(provider, f"its answer is over the limit of {most_bytes} bytes")
            break
    finally:
        await response.aclose()
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(pieces), request=response.request)


def _is_plain(response: httpx.Response, most_bytes: int) -> bool:
    """Whether it says how long it is, which is not too long, and needs no unpacking: no connection brings more then."""
    length = response.headers.get("content-length", "")
    # Twenty digits are more than anything has bytes, and thousands are more than `int` takes.
    is_known = length.isascii() and length.isdigit() and len(length) < 20
    return is_known and int(length) <= most_bytes and "content-encoding" not in response.headers


async def parsed(parse: Callable[[httpx.Response], _Read], response: httpx.Response) -> _Read:
    """What `parse` makes of the answer, in a worker thread if that takes long."""
    return await off_loop(parse, response, size=len(response.content))
