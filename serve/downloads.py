"""Pictures behind a vendor's links: fetched only from where that vendor keeps them, checked while they come."""

from __future__ import annotations

import asyncio

import httpx

from serve.errors import UpstreamError
from serve.peer_address import PeerWatch
from serve.picture_format import PictureCheck, PictureFacts, PictureFlawError, PictureLimits
from serve.targets import Target, Targets

TIMEOUT_S = 120.0
# Seconds before the second and the third try: a link costs nothing to follow, and what it leads to is paid for.
_PAUSES_S = (0.2, 1.0)
# No wildcard: a host that offers other formats must not choose one. No compression: pictures gain nothing by it, and
# what unpacks to a thousand times its size is not for us to unpack.
_HEADERS = {"accept": "image/png, image/jpeg, image/webp", "accept-encoding": "identity"}
_UNTYPED = {"", "application/octet-stream", "binary/octet-stream"}  # what object stores say when nobody told them
_OTHER_NAMES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}


class Downloads:
    """Fetches pictures for one client. `timeout_s` is the longest one may take, tries and all, however it drips."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        targets: Targets,
        limits: PictureLimits | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._client = client
        self._targets = targets
        self._limits = limits or PictureLimits()
        self._timeout_s = timeout_s

    async def fetch(self, link: str, provider: str, within_s: float | None = None) -> tuple[bytes, PictureFacts]:
        """The picture behind a link, as it came. The request has our own User-Agent and no vendor's key.

        What passes (no connection, a cut, 429, 5xx) is tried again. `within_s` are the seconds there are for all of it.

        Raises:
            UpstreamError: the link may not be followed, or does not lead to a whole picture; billed "yes".
        """
        url = self._checked(link, provider)
        seconds = self._timeout_s if within_s is None else min(self._timeout_s, within_s)
        try:
            async with asyncio.timeout(seconds):
                return await self._persist(url, provider)
        except PictureFlawError as flaw:
            raise unusable(provider, f"its picture {flaw}") from flaw
        except TimeoutError as error:
            raise unusable(provider, f"its picture was not there within {round(seconds, 2):g} s") from error
        except httpx.HTTPStatusError as error:
            raise unusable(provider, f"its link answered {error.response.status_code}") from error
        except httpx.HTTPError as error:
            raise unusable(provider, "its picture could not be fetched") from error

    async def _persist(self, url: httpx.URL, provider: str) -> tuple[bytes, PictureFacts]:
        for pause in _PAUSES_S:
            try:
                return await self._receive(url, provider)
            except (httpx.HTTPError, PictureFlawError) as error:
                if not _passes(error):
                    raise
            await asyncio.sleep(pause)
        return await self._receive(url, provider)

    def _checked(self, link: str, provider: str) -> httpx.URL:
        try:
            url = httpx.URL(link)
        except (httpx.InvalidURL, ValueError) as error:
            raise unusable(provider, "its link cannot be read") from error
        if not self._targets.may_fetch(url, provider):
            raise unusable(provider, "its link leads to a host that is not listed for it")
        return url

    async def _receive(self, url: httpx.URL, provider: str) -> tuple[bytes, PictureFacts]:
        # The operator's own server may well be in the operator's own network, and the sandbox always is.
        watch = None if _is_own_origin(url, self._targets.providers[provider]) else _watch(provider)
        extensions = {} if watch is None else {"trace": watch.trace}
        async with self._client.stream(
            "GET", url, headers=_HEADERS, extensions=extensions, follow_redirects=False
        ) as response:
            if watch is not None:
                watch.check(response)
            return await self._body(response, provider)

    async def _body(self, response: httpx.Response, provider: str) -> tuple[bytes, PictureFacts]:
        if response.status_code != httpx.codes.OK:
            raise httpx.HTTPStatusError("no picture", request=response.request, response=response)
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise unusable(provider, "its picture came compressed, which was not asked for")
        check = PictureCheck(self._limits, media_type=_declared_type(response), length=_declared_length(response))
        data = bytearray()
        async for piece in response.aiter_bytes():
            check.feed(piece)
            data += piece
        return bytes(data), check.end()


def unusable(provider: str, what: str) -> UpstreamError:
    """The error for a picture that was drawn and cannot be had."""
    message = f"{provider}: {what}; it was drawn all the same, so asking again may be billed again"
    return UpstreamError(message, provider=provider, billed="yes", upstream_status=httpx.codes.OK)


def _passes(error: httpx.HTTPError | PictureFlawError) -> bool:
    """Whether the same link may well lead to a whole picture in a moment."""
    if isinstance(error, PictureFlawError):
        return error.cause == "truncated"
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        return status == httpx.codes.TOO_MANY_REQUESTS or error.response.is_server_error
    return isinstance(error, httpx.TransportError)


def _watch(provider: str) -> PeerWatch:
    return PeerWatch(lambda: unusable(provider, "its link leads to an address that is not on the public internet"))


def _is_own_origin(url: httpx.URL, target: Target) -> bool:
    base = httpx.URL(target.base_url)
    return target.overridden and (url.scheme, url.raw_host, url.port) == (base.scheme, base.raw_host, base.port)


def _declared_type(response: httpx.Response) -> str | None:
    declared = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if declared in _UNTYPED else _OTHER_NAMES.get(declared, declared)


def _declared_length(response: httpx.Response) -> int | None:
    stated: str | None = response.headers.get("content-length")
    if stated is None:
        return None
    try:
        return int(stated)
    except ValueError as error:
        raise PictureFlawError("contradiction", "is declared with a length that is no number") from error
