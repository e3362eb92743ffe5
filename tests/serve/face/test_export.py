"""`POST /v1/images/{id}/export`: an accepted preview becomes a final picture, linked to it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from serve.catalog import load_catalog

PREVIEW = {"model": "preview", "prompt": "a red fox", "response_format": "url"}


async def drawn(client: httpx.AsyncClient, **wishes: Any) -> str:
    """The id of a fresh preview."""
    answer = await client.post("/v1/images/generations", json={**PREVIEW, **wishes})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"][0]["id"])


async def exported(client: httpx.AsyncClient, image_id: str, **wishes: Any) -> httpx.Response:
    """The answer to an export."""
    return await client.post(f"/v1/images/{image_id}/export", json=wishes)


async def pixels(client: httpx.AsyncClient, image_id: str) -> int:
    """How many a stored picture has."""
    width, height = Image.open(io.BytesIO((await client.get(f"/v1/images/{image_id}")).content)).size
    return width * height


async def test_the_export_model_draws_it_in_high_quality(in_process: Callable[..., Any], vendors: Any) -> None:
    """One picture however many previews there were, in 2K, with its parent's id."""
    async with in_process(vendors.transport) as client:
        parent = await drawn(client, n=2)
        answer = (await exported(client, parent)).json()
        picture = await client.get(answer["data"][0]["url"])
    assert len(answer["data"]) == 1
    routing = answer["routing"]
    assert (routing["parent_id"], routing["model"], routing["intent"]) == (parent, "imagen-4", "preview")
    assert picture.headers["content-type"] == "image/png"
    [_, call] = vendors.ledger.calls
    assert call.model == "imagen-4.0-generate-001"
    assert call.request["parameters"]["sampleImageSize"] == "2K"
    assert call.request["instances"] == [{"prompt": "a red fox"}]


@pytest.mark.parametrize(
    ("preview", "wishes", "ratio"),
    [
        ({"aspect_ratio": "16:9"}, {}, "16:9"),
        ({"size": "900x1600"}, {}, "9:16"),
        ({"aspect_ratio": "16:9"}, {"aspect_ratio": "9:16"}, "9:16"),
        ({"size": "900x1600"}, {"aspect_ratio": "4:3"}, "4:3"),
        ({"aspect_ratio": "16:9"}, {"size": "1200x900"}, "4:3"),
        ({"aspect_ratio": "16:9"}, {"aspect_ratio": "auto"}, "16:9"),
    ],
)  # fmt: skip
async def test_the_shape_is_the_previews_unless_another_is_asked_for(
    preview: dict[str, Any], wishes: dict[str, Any], ratio: str, in_process: Callable[..., Any], vendors: Any
) -> None:
    """A new size or ratio replaces whichever of the two the preview had."""
    async with in_process(vendors.transport) as client:
        answer = await exported(client, await drawn(client, **preview), **wishes)
    assert answer.status_code == 200, answer.text
    assert [call.request["parameters"]["aspectRatio"] for call in vendors.ledger.calls][1] == ratio


async def test_another_model_and_format_on_request(in_process: Callable[..., Any], vendors: Any) -> None:
    """The caller's model draws the same prompt; the link to the parent stays."""
    wishes = {"model": "gpt-image-2.6-sunburst", "output_format": "webp", "response_format": "b64_json"}
    async with in_process(vendors.transport) as client:
        parent = await drawn(client, user="u-1")
        answer = (await exported(client, parent, **wishes)).json()
    assert (answer["routing"]["model"], answer["routing"]["parent_id"]) == (wishes["model"], parent)
    assert "url" not in answer["data"][0]
    call = vendors.ledger.calls[1].request
    assert (call["quality"], call["output_format"], call["user"]) == ("high", "webp", "u-1")


@pytest.mark.parametrize("profile", ["story", "live"])
@pytest.mark.parametrize("shape", [{}, {"size": "1792x1024"}])
async def test_an_export_has_more_pixels_than_its_parent(
    profile: str, shape: dict[str, str], in_process: Callable[..., Any]
) -> None:
    """For whatever draws previews first, in every profile; "auto" asks for nothing else than nothing does."""
    async with in_process(catalog=load_catalog(profile=profile)) as client:
        parent = await drawn(client, model="preview", **shape)
        answer = (await exported(client, parent, model="auto")).json()
        before, after = await pixels(client, parent), await pixels(client, answer["data"][0]["id"])
    assert answer["routing"]["intent"] == "preview"
    assert not any("pixels than" in warning for warning in answer["routing"]["warnings"])
    assert after > before


async def test_an_export_without_more_pixels_says_so(in_process: Callable[..., Any]) -> None:
    """It names who drew how much, and an equal request hears it again; the parent's own answer is what it was."""
    wishes, key = {"model": "flux-2-pro"}, {"Idempotency-Key": "k"}
    async with in_process() as client:
        parent = await drawn(client, size="1792x1024")
        first, again = [
            (await client.post(f"/v1/images/{parent}/export", json=wishes, headers=key)).json() for _ in range(2)
        ]
    assert first["routing"]["warnings"][-1] == (
        "the export has no more pixels than its parent: flux-2-pro draws 1280x720"
    )
    assert first == again


class Generous(httpx.AsyncBaseTransport):
    """Every picture that comes from beyond comes twice."""

    def __init__(self, beyond: httpx.AsyncBaseTransport) -> None:
        self._beyond = beyond

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._beyond.handle_async_request(request)
        body = json.loads(await answer.aread())
        return httpx.Response(answer.status_code, json=body | {"predictions": body["predictions"] * 2})


async def test_a_vendor_that_draws_more_than_asked_is_told_as_it_is(
    in_process: Callable[..., Any], vendors: Any
) -> None:
    """The export is answered with both pictures and a warning, for it is paid."""
    async with in_process(Generous(vendors.transport)) as client:
        answer = await exported(client, await drawn(client))
    assert answer.status_code == 200
    assert len(answer.json()["data"]) == 2
    assert "1 pictures were asked for, 2 came" in str(answer.json()["routing"]["warnings"])


async def test_a_vendors_id_names_the_export_model_too(in_process: Callable[..., Any]) -> None:
    """As it does where OpenAI's clients ask."""
    async with in_process() as client:
        answer = (await exported(client, await drawn(client), model="dall-e-3")).json()
    assert answer["routing"]["model"] == "dalle-3-std"


async def test_wishes_hold_for_an_export_too(in_process: Callable[..., Any]) -> None:
    """A limit on the bill is kept: the next model, or an error that names the field."""
    async with in_process() as client:
        parent = await drawn(client)
        cheaper = await exported(client, parent, max_cost=0.03)
        nothing = await exported(client, parent, max_cost=0)
    assert cheaper.json()["routing"]["model"] != "imagen-4"
    assert cheaper.json()["routing"]["cost_usd"] <= 0.03
    assert (nothing.status_code, nothing.json()["error"]["param"]) == (400, "max_cost")


async def test_an_export_can_be_exported(in_process: Callable[..., Any]) -> None:
    """Each is linked to the one before."""
    async with in_process() as client:
        first = (await exported(client, await drawn(client))).json()["data"][0]["id"]
        second = (await exported(client, first)).json()
    assert second["routing"]["parent_id"] == first


async def test_an_export_is_drawn_once_under_its_key(in_process: Callable[..., Any], vendors: Any) -> None:
    """No body and an empty one are the same request; another picture's export under that key is refused."""
    headers = {"Idempotency-Key": "k"}
    async with in_process(vendors.transport) as client:
        one, other = await drawn(client), await drawn(client)
        first = await client.post(f"/v1/images/{one}/export", headers=headers)
        again = await client.post(f"/v1/images/{one}/export", json={}, headers=headers)
        refused = await client.post(f"/v1/images/{other}/export", headers=headers)
    assert first.json() == again.json()
    assert refused.status_code == 422
    assert vendors.ledger.totals["calls"] == 3


@pytest.mark.parametrize("image_id", ["0" * 32, "nonsense", "..%2f..%2fetc"])
async def test_an_unknown_picture_cannot_be_exported(image_id: str, in_process: Callable[..., Any]) -> None:
    """404 in OpenAI's envelope, and nothing is drawn."""
    async with in_process() as client:
        answer = await exported(client, image_id)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("wishes", "param"),
    [({"n": 2}, "n"), ({"size": "1x1", "aspect_ratio": "16:9"}, "aspect_ratio"), ({"model": "imagen-99"}, "model")],
)
async def test_a_wrong_wish_is_named(wishes: dict[str, Any], param: str, in_process: Callable[..., Any]) -> None:
    """400 with the field at fault."""
    async with in_process() as client:
        answer = await exported(client, await drawn(client), **wishes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
