"""Where a picture may be fetched from, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from serve.catalog import load_catalog
from serve.client import make_link_client
from serve.errors import UpstreamError
from serve.image_request import DrawnImage
from serve.picture_format import PictureLimits
from serve.pictures import Picture, PictureDesk
from serve.settings import Settings
from serve.targets import Targets
from tests.serve.generation.sample_pictures import HEIGHT, WIDTH, samples

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
GOOD = "https://ideogram.ai/api/images/ephemeral/x.png?exp=1&sig=2"


class Gallery:
    """Serves these answers in turn, the last one ever after, and keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def prove(
    link: str, gallery: Gallery, settings: Settings, provider: str = "ideogram", max_bytes: int = 5000
) -> bytes:
    targets = Targets.from_settings(settings, load_catalog())
    async with make_link_client(settings, httpx.MockTransport(gallery)) as client:
        (picture,) = await PictureDesk(client, targets, PictureLimits(max_bytes)).prove(
            [DrawnImage(url=link)], provider
        )
    return picture.data


@pytest.mark.parametrize("link", [GOOD, "https://img.ideogram.ai/x.png", "https://IDEOGRAM.ai:443/x.png"])
async def test_a_listed_host_is_asked_without_any_key(link: str, keyed: Settings, png: bytes) -> None:
    """The vendor's image hosts get our User-Agent and neither its key nor another's."""
    gallery = Gallery(httpx.Response(200, content=png))
    assert await prove(link, gallery, keyed) == png
    (request,) = gallery.requests
    assert request.headers["user-agent"].startswith("prompt-intent/")
    assert "sk-" not in repr(request.headers.raw)
    assert request.headers["accept"] == "image/png, image/jpeg, image/webp"
    assert request.headers["accept-encoding"] == "identity"


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


PNG = samples()["png RGB"]
SENT = httpx.ByteStream(PNG)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (httpx.Response(302, headers={"location": "http://169.254.169.254/"}), "answered 302"),
        (httpx.Response(403, content=b"forbidden"), "answered 403"),
        (httpx.Response(206, content=PNG), "answered 206"),
        (httpx.Response(200, content=b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), "neither PNG"),
        (httpx.Response(200, content=b"<html>", headers={"content-type": "image/png"}), "neither PNG"),
        (httpx.Response(200, content=PNG, headers={"content-type": "text/html; charset=utf-8"}), "something else"),
        (httpx.Response(200, content=PNG, headers={"content-type": "image/jpeg"}), "declared as image/jpeg"),
        (httpx.Response(200, content=b""), "neither PNG"),
        (httpx.Response(200, content=PNG[:-9] + bytes(9)), "damaged"),
        (httpx.Response(200, content=PNG + bytes(5000)), "limit of 5000 bytes"),
        (httpx.Response(200, stream=SENT, headers={"content-length": "5001"}), "limit of 5000 bytes"),
        (httpx.Response(200, stream=SENT, headers={"content-length": str(len(PNG) + 1)}), "shorter than declared"),
        (httpx.Response(200, stream=SENT, headers={"content-length": str(len(PNG) - 1)}), "longer than declared"),
        (httpx.Response(200, stream=SENT, headers={"content-length": "many"}), "no number"),
        (httpx.Response(200, stream=SENT, headers={"content-encoding": "gzip"}), "compressed"),
    ],
)
async def test_what_is_no_picture_is_refused(answer: httpx.Response, cause: str, keyed: Settings) -> None:
    """Redirects, errors, scripts, damage, lies and bytes over the limit are upstream errors, billed, with the cause."""
    gallery = Gallery(answer)
    with pytest.raises(UpstreamError, match=cause) as refused:
        await prove(GOOD, gallery, keyed)
    assert refused.value.billed == "yes"
    assert len(gallery.requests) == 1


CUT = httpx.Response(200, content=PNG[:-1])


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("down"), httpx.ReadError("cut"), httpx.Response(429), httpx.Response(503), CUT],
    ids=repr,
)
async def test_what_passes_is_asked_for_again(failure: httpx.Response | Exception, keyed: Settings) -> None:
    """The picture is paid for, and asking once more costs nothing: a hiccup of the host's does not lose it."""
    gallery = Gallery(failure, httpx.Response(200, content=PNG))
    assert await prove(GOOD, gallery, keyed) == PNG
    assert len(gallery.requests) == 2


@pytest.mark.parametrize(("answer", "cause"), [(httpx.Response(503), "answered 503"), (CUT, "cut off")])
async def test_what_does_not_pass_is_given_up(answer: httpx.Response, cause: str, keyed: Settings) -> None:
    """After three tries, with what the last one said."""
    gallery = Gallery(answer)
    with pytest.raises(UpstreamError, match=cause) as failed:
        await prove(GOOD, gallery, keyed)
    assert (failed.value.billed, len(gallery.requests)) == ("yes", 3)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "image/png"},
        {"content-type": "IMAGE/PNG; q=1"},
        {"content-type": "image/x-png"},
        {"content-type": "application/octet-stream"},
        {"content-type": "binary/octet-stream"},
        {"content-encoding": "identity"},
        {"content-length": str(len(PNG))},
    ],
)
async def test_a_true_or_silent_declaration_is_fine(headers: dict[str, str], keyed: Settings) -> None:
    """Hosts that do not know what they store, or name it the old way, are believed as far as they go."""
    assert await prove(GOOD, Gallery(httpx.Response(200, stream=SENT, headers=headers)), keyed) == PNG


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("name", ["png RGB", "jpeg progressive", "webp lossy with alpha"])
async def test_a_picture_is_measured_however_it_came(name: str, linked: bool, keyed: Settings) -> None:
    """Inline or behind a link: the vendor's bytes, their type and size, and what the vendor said with them."""
    data, media_type = samples()[name], f"image/{name.split(maxsplit=1)[0]}"
    drawn = DrawnImage(url=GOOD, revised_prompt="a cat", seed=0) if linked else DrawnImage(data, None, "a cat", 0)
    targets = Targets.from_settings(keyed, load_catalog())
    async with make_link_client(keyed, httpx.MockTransport(Gallery(httpx.Response(200, content=data)))) as client:
        proven = await PictureDesk(client, targets).prove([drawn], "ideogram")
    assert proven == (Picture(data, media_type, WIDTH, HEIGHT, "a cat", 0),)


@pytest.mark.parametrize(
    ("data", "cause"), [(b"", "neither PNG"), (PNG[:-1], "cut off"), (PNG + bytes(5000), "limit of 5000 bytes")]
)
async def test_an_inline_picture_is_held_to_the_same(data: bytes, cause: str, keyed: Settings) -> None:
    """What came as base64 is checked like a download, and billed like one."""
    targets = Targets.from_settings(keyed, load_catalog())
    async with make_link_client(keyed, httpx.MockTransport(Gallery(httpx.Response(200)))) as client:
        with pytest.raises(UpstreamError, match=cause) as refused:
            await PictureDesk(client, targets, PictureLimits(5000)).prove([DrawnImage(data=data)], "openai")
    assert refused.value.billed == "yes"


async def test_an_overridden_host_may_hold_its_pictures(keyed: Settings, png: bytes) -> None:
    """A private server's pictures are fetched from its own origin, plain http too, and not from another port."""
    private = keyed.model_copy(update={"ideogram_base_url": "http://10.0.0.5:8080/api"})
    gallery = Gallery(httpx.Response(200, content=png))
    assert await prove("http://10.0.0.5:8080/pictures/x.png", gallery, private) == png
    with pytest.raises(UpstreamError):
        await prove("http://10.0.0.5:22/x.png", gallery, private)


async def test_a_broken_link_loses_no_other_picture(keyed: Settings, png: bytes) -> None:
    """All are paid for: those that can be had are kept, in order, and only where none can is there an error."""
    targets = Targets.from_settings(keyed, load_catalog())
    broken = [DrawnImage(url="https://evil.example/x.png"), DrawnImage(data=b"text")]
    async with make_link_client(keyed, httpx.MockTransport(Gallery(httpx.Response(200)))) as client:
        desk = PictureDesk(client, targets)
        kept = await desk.prove([DrawnImage(png, seed=1), *broken, DrawnImage(png, seed=2)], "ideogram")
        assert [(picture.data, picture.seed) for picture in kept] == [(png, 1), (png, 2)]
        with pytest.raises(UpstreamError, match="not listed"):
            await desk.prove(broken, "ideogram")


async def test_a_picture_that_is_lost_is_told(serving: Serving, keyed: Settings, png: bytes) -> None:
    """Three of four links lead somewhere: three pictures, a warning in the answer, and the whole bill."""
    links = [{"url": f"https://ideogram.ai/{name}.png", "is_image_safe": True} for name in "abcd"]

    def ideogram(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"data": links})
        return httpx.Response(404) if request.url.path == "/c.png" else httpx.Response(200, content=png)

    async with serving(keyed, transport=httpx.MockTransport(ideogram)) as client:
        body = {"prompt": "two cats", "model": "ideogram-3", "n": 4}
        answer = (await client.post("/v1/generate", json=body)).json()
    assert len(answer["data"]) == 3
    assert "4 pictures were asked for, 3 came" in answer["routing"]["warnings"]
    (attempt,) = answer["routing"]["attempts"]
    assert (attempt["outcome"], attempt["billed"], attempt["cost_usd"]) == ("ok", "yes", 0.24)
