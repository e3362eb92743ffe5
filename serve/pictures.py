"""Pictures from a vendor: fetched only from where that vendor keeps them, and proven by their first bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from serve.errors import UpstreamError
from serve.image_request import DrawnImage
from serve.targets import Targets

MAX_PICTURE_BYTES = 50 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_RIFF, _WEBP = b"RIFF", b"WEBP"


@dataclass(frozen=True, slots=True)
class Picture:
    """A proven picture, its bytes as the vendor sent them."""

    data: bytes
    media_type: str
    revised_prompt: str | None = None
    seed: int | None = None


def media_type_of(data: bytes) -> str | None:
    """The image type that the first bytes show; None when they show none that we serve (SVG can hold scripts)."""
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data[:4] == _RIFF and data[8:12] == _WEBP:
        return "image/webp"
    return None


class PictureDesk:
    """Turns what a dialect read into proven pictures."""

    def __init__(self, client: httpx.AsyncClient, targets: Targets, max_bytes: int = MAX_PICTURE_BYTES) -> None:
        self._client = client
        self._targets = targets
        self._max_bytes = max_bytes

    async def prove(self, images: Sequence[DrawnImage], provider: str) -> tuple[Picture, ...]:
        """Every image's bytes, fetched at once where they are links.

        Raises:
            UpstreamError: one of them cannot be had or is no picture; billed "yes", for it was drawn.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._picture(image, provider)) for image in images]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return tuple(task.result() for task in tasks)

    async def _picture(self, image: DrawnImage, provider: str) -> Picture:
        data = image.data if image.data is not None else await self._fetch(image.url or "", provider)
        if len(data) > self._max_bytes:
            raise _refusal(provider, "its picture is over the size limit")
        media_type = media_type_of(data)
        if media_type is None:
            raise _refusal(provider, "what it sent is neither PNG, JPEG nor WebP")
        return Picture(data, media_type, image.revised_prompt, image.seed)

    async def _fetch(self, link: str, provider: str) -> bytes:
        """The bytes behind a link. The request is the client's own: it carries our User-Agent and no vendor's key."""
        try:
            url = httpx.URL(link)
        except (httpx.InvalidURL, ValueError) as error:
            raise _refusal(provider, "its link cannot be read") from error
        if not self._targets.may_fetch(url, provider):
            raise _refusal(provider, "its link leads to a host that is not listed for it")
        try:
            async with self._client.stream("GET", url, headers={"accept": "image/*"}) as response:
                return await self._body(response, provider)
        except httpx.HTTPError as error:
            raise _refusal(provider, "its picture could not be fetched") from error

    async def _body(self, response: httpx.Response, provider: str) -> bytes:
        if response.status_code != httpx.codes.OK:
            raise _refusal(provider, f"its link answered {response.status_code}")
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > self._max_bytes:
                raise _refusal(provider, "its picture is over the size limit")
        return bytes(data)


def _refusal(provider: str, what: str) -> UpstreamError:
    return UpstreamError(f"{provider}: {what}", provider=provider, billed="yes", upstream_status=httpx.codes.OK)
