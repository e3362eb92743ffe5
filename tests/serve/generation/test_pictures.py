"""Where a picture may be fetched from, and what counts as one."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from PIL import Image

from serve.catalog import load_catalog
from serve.client import make_client
from serve.errors import UpstreamError
from serve.image_request import DrawnImage
from serve.pictures import PictureDesk, media_type_of
from serve.settings import Settings
from serve.targets import Targets

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
GOOD = "https://ideogram.ai/api/images/ephemeral/x.png?exp=1&sig=2"


class Gallery:
    """Serves one answer for every link and keeps the requests."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer


async def prove(
    link: str, gallery: Gallery, settings: Settings, provider: str = "ideogram", max_bytes: int = 1000
) -> bytes:
    targets = Targets.from_settings(settings, load_catalog())
    async with make_client(settings, httpx.MockTransport(gallery)) as client:
        (picture,) = await PictureDesk(client, targets, max_bytes).prove([DrawnImage(url=link)], provider)
    return picture.data


@pytest.mark.parametrize("link", [GOOD, "https://img.ideogram.ai/x.png", "https://IDEOGRAM.ai:443/x.png"])
async def test_a_listed_host_is_asked_without_any_key(link: str, keyed: Settings, png: bytes) -> None:
    """The vendor's image hosts get our User-Agent and neither its key nor another's."""
    gallery = Gallery(httpx.Response(200, content=png))
    assert await prove(link, gallery, keyed) == png
    (request,) = gallery.requests
    assert request.headers["user-agent"].startswith("prompt-intent/")
    assert "sk-" not in repr(request.headers.raw)


@pytest.mark.parametrize(
    "link",
    [
        "http://ideogram.ai/x.png",
        "https://ideogram.ai:8443/x.png",
        "https://evil.example/x.png",
        "https://notideogram.ai/x.png",
        "https://ideogram.ai.evil.example/x.png",
        "https://ideogram.ai@evil.example/x.png",
        "https://user:pass@ideogram.ai/x.png",
        "https://id\u0435ogram.ai/x.png",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x.png",
        "http://sandbox/ideogram/x.png",
        "file:///etc/passwd",
        "//ideogram.ai/x.png",
        "x.png",
        "",
        "https://ideogram.ai\\@evil.example/x.png",
        "https://[::1/x.png",
    ],
)
async def test_any_other_link_is_refused_unasked(link: str, keyed: Settings, png: bytes) -> None:
    """Nothing is sent to a host, scheme or port that is not listed; what was drawn is billed all the same."""
    gallery = Gallery(httpx.Response(200, content=png))
    with pytest.raises(UpstreamError) as refused:
        await prove(link, gallery, keyed)
    assert refused.value.billed == "yes"
    assert gallery.requests == []


async def test_one_vendors_hosts_are_not_anothers(keyed: Settings, png: bytes) -> None:
    """A link from OpenAI to Ideogram's image host is refused."""
    with pytest.raises(UpstreamError):
        await prove(GOOD, Gallery(httpx.Response(200, content=png)), keyed, provider="openai")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"location": "http://169.254.169.254/"}),
        httpx.Response(403, content=b"forbidden"),
        httpx.Response(200, content=b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        httpx.Response(200, content=b"<html>", headers={"content-type": "image/png"}),
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"\x89PNG\r\n\x1a\n" + b"x" * 1000),
        httpx.Response(200, content=b"not gzip", headers={"content-encoding": "identity"}),
    ],
)
async def test_what_is_no_picture_is_refused(answer: httpx.Response, keyed: Settings) -> None:
    """Redirects, errors, scripts, lies about the type and bytes over the limit are upstream errors, billed."""
    gallery = Gallery(answer)
    with pytest.raises(UpstreamError) as refused:
        await prove(GOOD, gallery, keyed)
    assert refused.value.billed == "yes"
    assert len(gallery.requests) == 1


async def test_an_overridden_host_may_hold_its_pictures(keyed: Settings, png: bytes) -> None:
    """A private server's pictures are fetched from its own origin, plain http too, and not from another port."""
    private = keyed.model_copy(update={"ideogram_base_url": "http://10.0.0.5:8080/api"})
    gallery = Gallery(httpx.Response(200, content=png))
    assert await prove("http://10.0.0.5:8080/pictures/x.png", gallery, private) == png
    with pytest.raises(UpstreamError):
        await prove("http://10.0.0.5:22/x.png", gallery, private)


async def test_a_broken_link_among_good_ones_fails_them_all(keyed: Settings, png: bytes) -> None:
    """One typed error leaves, not a group, when one of several pictures cannot be had."""
    targets = Targets.from_settings(keyed, load_catalog())
    images = [DrawnImage(data=png), DrawnImage(url="https://evil.example/x.png"), DrawnImage(data=b"text")]
    async with make_client(keyed, httpx.MockTransport(Gallery(httpx.Response(200)))) as client:
        with pytest.raises(UpstreamError):
            await PictureDesk(client, targets).prove(images, "ideogram")


@pytest.mark.parametrize(("kind", "expected"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_pictures_are_known_by_their_first_bytes(kind: str, expected: str) -> None:
    """What Pillow writes is recognised."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, kind)
    assert media_type_of(file.getvalue()) == expected


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"RIFFxxxxWAVE", b"\x89PNG", b" \xff\xd8\xff", b"BM"])
def test_everything_else_is_no_picture(data: bytes) -> None:
    """Other types, and beginnings that only look like one, are not."""
    assert media_type_of(data) is None
