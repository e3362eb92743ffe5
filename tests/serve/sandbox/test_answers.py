"""What the vendors' stand-ins answer when nothing is wrong: the envelope, the count, the size, the links."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from serve.sandbox.app import Sandbox, create_sandbox

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]
Connect = Callable[[Sandbox], httpx.AsyncClient]


def kind_and_size(data: bytes) -> tuple[str | None, tuple[int, int]]:
    """The container and the pixels of a decoded picture."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image.format, image.size


def from_base64(text: str) -> tuple[str | None, tuple[int, int]]:
    """The same for a picture in JSON."""
    return kind_and_size(base64.b64decode(text, validate=True))


@pytest.mark.parametrize(
    ("fields", "kind", "size"),
    [
        ({}, "PNG", (1024, 1024)),
        ({"size": "auto", "quality": "auto", "n": None}, "PNG", (1024, 1024)),
        ({"size": "1280x720", "output_format": "jpeg"}, "JPEG", (1280, 720)),
        ({"size": "592x1776", "output_format": "webp", "output_compression": 40}, "WEBP", (592, 1776)),
        ({"model": "gpt-image-2", "size": "1536x864"}, "PNG", (1536, 864)),
        ({"model": "gpt-image-2.6-sunburst", "quality": "max", "background": "transparent"}, "PNG", (1024, 1024)),
    ],
)
async def test_gpt_image_draws_the_size_and_format(
    *, fields: dict[str, object], kind: str, size: tuple[int, int], client: httpx.AsyncClient, send: Send
) -> None:
    """Base64 of exactly the asked picture; the answer repeats size and format and counts tokens."""
    body = (await send(client, "gpt", **fields)).json()
    assert from_base64(body["data"][0]["b64_json"]) == (kind, size)
    assert set(body["data"][0]) == {"b64_json"}
    assert body["size"] == f"{size[0]}x{size[1]}"
    assert body["output_format"] == kind.lower()
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"]


async def test_gpt_image_draws_n_different_pictures(client: httpx.AsyncClient, send: Send) -> None:
    """Three are asked for, three come, and no two are the same."""
    rows = (await send(client, "gpt", n=3)).json()["data"]
    assert len({row["b64_json"] for row in rows}) == 3


@pytest.mark.parametrize("size", ["1024x1024", "1792x1024", "1024x1792"])
async def test_dalle_draws_its_three_sizes(size: str, client: httpx.AsyncClient, send: Send) -> None:
    """Base64 when asked for, with the revised prompt that only dall-e-3 has."""
    row = (await send(client, "dalle", size=size, style="natural", quality="hd")).json()["data"][0]
    assert from_base64(row["b64_json"])[1] == tuple(map(int, size.split("x")))
    assert row["revised_prompt"]


async def test_dalle_answers_with_a_link_by_default(client: httpx.AsyncClient, send: Send) -> None:
    """The link is absolute, on the host that was called, and leads to the picture."""
    row = (await send(client, "dalle", response_format=None)).json()["data"][0]
    assert row["url"].startswith("http://sandbox.test/openai/images/")
    picture = await client.get(row["url"])
    assert picture.headers["content-type"] == "image/png"
    assert kind_and_size(picture.content) == ("PNG", (1024, 1024))


@pytest.mark.parametrize(
    ("fields", "kind", "size"),
    [
        ({}, "PNG", (1024, 1024)),
        ({"aspectRatio": "16:9"}, "PNG", (1408, 768)),
        ({"aspectRatio": "9:16"}, "PNG", (768, 1408)),
        ({"aspectRatio": "4:3"}, "PNG", (1280, 896)),
        ({"aspectRatio": "3:4", "sampleImageSize": "2K"}, "PNG", (1792, 2560)),
        ({"imageSize": "2K", "outputOptions": {"mimeType": "image/jpeg"}}, "JPEG", (2048, 2048)),
        ({"personGeneration": "ALLOW_ADULT", "safetySetting": "BLOCK_LOW_AND_ABOVE"}, "PNG", (1024, 1024)),
    ],
)
async def test_imagen_draws_the_ratio_and_format(
    *, fields: dict[str, object], kind: str, size: tuple[int, int], client: httpx.AsyncClient, send: Send
) -> None:
    """A prediction says its media type and holds exactly the asked picture."""
    prediction = (await send(client, "imagen", **fields)).json()["predictions"][0]
    assert prediction["mimeType"] == f"image/{kind.lower()}"
    assert from_base64(prediction["bytesBase64Encoded"]) == (kind, size)


async def test_imagen_draws_four_where_no_count_is_given(
    client: httpx.AsyncClient, call: CallOf, sandbox: Sandbox
) -> None:
    """The vendor's default is four, and four are billed."""
    path, headers, body = call("imagen")
    answer = await client.post(path, headers=headers, json={"instances": body["instances"]})
    assert len(answer.json()["predictions"]) == 4
    assert sandbox.ledger.totals["usd"] == 0.16


@pytest.mark.parametrize(
    ("image", "size"),
    [
        ({}, (1024, 1024)),
        ({"aspectRatio": "21:9"}, (1584, 672)),
        ({"aspectRatio": "1:8"}, (384, 3072)),
        ({"aspectRatio": "16:9", "imageSize": "2K"}, (2752, 1536)),
    ],
)
async def test_gemini_draws_the_ratio_beside_other_parts(
    *, image: dict[str, str], size: tuple[int, int], client: httpx.AsyncClient, send: Send
) -> None:
    """The picture is one part among a thought and a text, and the tokens are counted."""
    body = (await send(client, "gemini", imageConfig=image, responseModalities=["IMAGE"], seed=7)).json()
    parts = body["candidates"][0]["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["text", "text", "inlineData"]
    assert parts[0]["thought"] is True
    assert from_base64(parts[2]["inlineData"]["data"]) == ("PNG", size)
    assert body["candidates"][0]["finishReason"] == "STOP"
    assert body["usageMetadata"]["candidatesTokensDetails"][0]["modality"] == "IMAGE"


@pytest.mark.parametrize(
    ("dialect", "fields", "resolution"),
    [
        ("legacy", {}, "1024x1024"),
        ("legacy", {"aspect_ratio": "ASPECT_16_9"}, "1280x720"),
        ("legacy", {"model": "V_2", "resolution": "RESOLUTION_1536_640"}, "1536x640"),
        ("v2", {"aspect_ratio": "1x3"}, "592x1776"),
        ("v2", {"aspect_ratio": "auto", "rendering_speed": "turbo"}, "1024x1024"),
        ("v4", {"resolution": "3072x1024"}, "3072x1024"),
        ("v4", {"rendering_speed": "quality"}, "1024x1024"),
        ("v4.5", {"size": "720x1280", "quality": "low"}, "720x1280"),
        ("v4.5", {"size": "auto"}, "1024x1024"),
    ],
)
async def test_ideogram_links_to_the_asked_pictures(
    *, dialect: str, fields: dict[str, object], resolution: str, client: httpx.AsyncClient, send: Send
) -> None:
    """Each row says its size, seed and prompt, and links to a PNG of that size."""
    body = (await send(client, dialect, num_images=2, seed=5, **fields)).json()
    for row in body["data"]:
        assert row["url"].startswith("http://sandbox.test/ideogram/api/images/ephemeral/")
        assert (row["resolution"], row["seed"], row["is_image_safe"]) == (resolution, 5, True)
        picture = await client.get(row["url"])
        assert kind_and_size(picture.content) == ("PNG", tuple(map(int, resolution.split("x"))))


@pytest.mark.parametrize("agent", ["python-httpx/0.28.1", "Python-urllib/3.11"])
async def test_ideograms_image_host_wants_a_name(agent: str, client: httpx.AsyncClient, send: Send) -> None:
    """A client that goes by its library's default name is turned away."""
    url = (await send(client, "legacy")).json()["data"][0]["url"]
    assert (await client.get(url, headers={"user-agent": agent})).status_code == 403
    assert (await client.get(url)).status_code == 200


async def test_a_link_is_signed_and_expires(connect: Connect, send: Send) -> None:
    """A forged, a bent and an expired link are all forbidden, for both vendors that link."""
    now = [1_800_000_000.0]
    client = connect(create_sandbox(clock=lambda: now[0]))
    links = [
        (await send(client, "legacy")).json()["data"][0]["url"],
        (await send(client, "dalle", response_format="url")).json()["data"][0]["url"],
    ]
    for url in links:
        bent = url.replace("exp=1800003600", "exp=1900000000").replace("se=2027", "se=2028").replace("sig=", "sig=0")
        assert (await client.get(url)).status_code == 200
        assert (await client.get(bent)).status_code == 403
        assert (await client.get(url.split("?")[0])).status_code == 403
    now[0] += 3600
    for url in links:
        assert (await client.get(url)).status_code == 403


async def test_the_same_request_gets_the_same_picture(connect: Connect, send: Send) -> None:
    """Two sandboxes of one seed agree byte for byte; another seed, another prompt or another wire seed does not."""

    async def picture(sandbox_seed: int, **fields: object) -> bytes:
        client = connect(create_sandbox(seed=sandbox_seed))
        return (await client.get((await send(client, "legacy", **fields)).json()["data"][0]["url"])).content

    first = await picture(1, seed=9)
    assert await picture(1, seed=9) == first
    others = [await picture(2, seed=9), await picture(1, seed=8), await picture(1, seed=9, prompt="a red fox")]
    assert first not in others


async def test_the_list_of_models_says_what_was_shut_down(client: httpx.AsyncClient) -> None:
    """OpenAI's list carries a shutdown date, or null."""
    rows = (await client.get("/openai/v1/models", headers={"authorization": "Bearer any"})).json()["data"]
    dates = {row["id"]: row["shutdown_date"] for row in rows}
    assert dates["dall-e-3"] == "2026-05-12"
    assert dates["gpt-image-2.6-flare"] is None


async def test_drawing_does_not_hold_up_other_calls(client: httpx.AsyncClient, send: Send) -> None:
    """While large pictures are drawn, calls that draw nothing are answered one after the other."""
    done: list[str] = []

    async def draw() -> None:
        assert (await send(client, "gpt", size="3840x2160", n=3)).status_code == 200
        done.append("drawn")

    async def ask() -> None:
        for _ in range(20):
            # In process nothing else makes a call wait, and whoever never waits holds up the rest himself.
            await asyncio.sleep(0.001)
            assert (await client.get("/openai/v1/models", headers={"authorization": "Bearer any"})).status_code == 200
        done.append("asked")

    await asyncio.gather(draw(), ask())
    assert done == ["asked", "drawn"]
