"""The body of a vendor's answer: received up to a limit, and parsed where it holds up nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import httpx

from serve.downloads import unusable
from serve.off_loop import off_loop

_Read = TypeVar("_Read")


async def received(response: httpx.Response, most_bytes: int, provider: str) -> httpx.Response:
    """A streamed `response`, read to its end, unpacked and closed. Of a refusal what is over the limit is left.

    Raises:
        UpstreamError: a success has more than `most_bytes`; billed "yes".
    """
    pieces: list[bytes] = []
    size = 0
    packed = "content-encoding" in response.headers
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
    headers = response.headers.copy()
    if packed:
        del headers["content-encoding"]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(pieces), request=response.request)


async def parsed(parse: Callable[[httpx.Response], _Read], response: httpx.Response) -> _Read:
    """What `parse` makes of the answer, in a worker thread if that takes long."""
    return await off_loop(parse, response, size=len(response.content))
