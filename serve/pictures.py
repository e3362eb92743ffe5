"""Pictures from a vendor, proven: whole, of a known format and size, and never larger than we can bear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from serve.at_once import at_once
from serve.downloads import TIMEOUT_S, Downloads, unusable
from serve.errors import UpstreamError
from serve.image_request import DrawnImage
from serve.off_loop import off_loop
from serve.picture_format import PictureFacts, PictureFlawError, PictureLimits, check_picture
from serve.targets import Targets


@dataclass(frozen=True, slots=True)
class Picture:
    """A proven picture, its bytes as the vendor sent them; `width` and `height` in pixels, as the file declares."""

    data: bytes
    media_type: str
    width: int
    height: int
    revised_prompt: str | None = None
    seed: int | None = None


class PictureDesk:
    """Turns what a dialect read into proven pictures. `timeout_s` is the longest one download may take."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        targets: Targets,
        limits: PictureLimits | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._limits = limits or PictureLimits()
        self._downloads = Downloads(client, targets, self._limits, timeout_s)

    async def prove(
        self, images: Sequence[DrawnImage], provider: str, within_s: float | None = None
    ) -> tuple[Picture, ...]:
        """Those whose bytes and size can be had, fetched at once where they are links, in `within_s` seconds if given.

        Raises:
            UpstreamError: none of them can be had or is a picture; billed "yes", for they were drawn.
        """
        ended = await at_once([self._picture(image, provider, within_s) for image in images])
        failures = [end for end in ended if isinstance(end, BaseException)]
        pictures = tuple(end for end in ended if isinstance(end, Picture))
        for failure in failures:
            if not pictures or not isinstance(failure, UpstreamError):
                raise failure
        return pictures

    async def _picture(self, image: DrawnImage, provider: str, within_s: float | None) -> Picture:
        if image.data is None:
            data, facts = await self._downloads.fetch(image.url or "", provider, within_s)
        else:
            data, facts = image.data, await self._inspect(image.data, provider)
        return Picture(data, facts.media_type, facts.width, facts.height, image.revised_prompt, image.seed)

    async def _inspect(self, data: bytes, provider: str) -> PictureFacts:
        try:
            # 1.5 MB take half a millisecond, a hostile 50 MB a thousand times that.
            return await off_loop(check_picture, data, self._limits, size=len(data))
        except PictureFlawError as flaw:
            raise unusable(provider, f"its picture {flaw}") from flaw
