"""`background`: a transparent picture is drawn by models that can; where none can, the answer says so."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from PIL import Image

from serve.catalog import load_catalog
from serve.fitting import fit
from serve.image_request import Background, ImageRequest
from serve.policy import Constraints, Health, choose_route

PATH = "/v1/images/generations"
FOX = {"prompt": "a fox sticker", "background": "transparent"}
CATALOG = load_catalog()
SANDBOX = Health(frozenset(CATALOG.providers), frozenset(CATALOG.providers))


def is_clear(encoded: str) -> bool:
    """Whether a base64 picture has a pixel that can be seen through."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    return image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 0


async def test_a_route_prefers_models_that_can(in_process: Callable[..., Any]) -> None:
    """The others are thrown out with the reason, and the picture is transparent, as the answer says."""
    async with in_process() as client:
        answer = (await client.post(PATH, json={**FOX, "model": "preview"})).json()
    reasons = {candidate["model"]: candidate["reason"] for candidate in answer["routing"]["candidates"]}
    assert answer["routing"]["model"] == "gpt-image-2.5-flare"
    assert reasons["imagen-4-fast"].startswith("draws no transparent background")
    assert answer["background"] == "transparent"
    assert answer["routing"]["warnings"] == []
    assert is_clear(answer["data"][0]["b64_json"])


@pytest.mark.parametrize("model", ["complex_logic", "imagen-4-fast"])
async def test_where_none_can_it_is_dropped_with_a_warning(model: str, in_process: Callable[..., Any]) -> None:
    """A route without such a model, or a named model that cannot: an opaque picture, and no surprise."""
    async with in_process() as client:
        answer = (await client.post(PATH, json={**FOX, "model": model})).json()
    drew = answer["routing"]["model"]
    assert answer["routing"]["warnings"] == [f"background dropped: {drew} takes none"]
    assert answer["background"] == "opaque"
    assert not is_clear(answer["data"][0]["b64_json"])


async def test_an_export_stays_transparent_unless_a_jpeg_is_wanted(in_process: Callable[..., Any]) -> None:
    """The preview's background is part of its request; a jpeg has none."""
    async with in_process() as client:
        preview = (await client.post(PATH, json={**FOX, "model": "preview"})).json()["data"][0]["id"]
        path = f"/v1/images/{preview}/export"
        clear = (await client.post(path, json={"response_format": "b64_json"})).json()
        jpeg = (await client.post(path, json={"output_format": "jpeg", "model": "gpt-image-2.5-flare"})).json()
        picture = await client.get(jpeg["data"][0]["url"])
    assert is_clear(clear["data"][0]["b64_json"])
    assert picture.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("opened", [frozenset(), frozenset({"gpt-image-2.5-flare"})])
def test_a_resting_model_that_can_goes_before_one_that_cannot(opened: frozenset[str]) -> None:
    """An opaque picture is not what was asked for, however healthy its model is."""
    health = Health(SANDBOX.keyed, SANDBOX.overridden, open=opened)
    constraints = Constraints(ImageRequest("a fox", background="transparent"), intent="preview")
    route = choose_route(None, constraints, CATALOG, health, date(2026, 11, 22))
    assert [candidate.model for candidate in route.taken] == ["gpt-image-2.5-flare"]


@pytest.mark.parametrize(
    ("model", "asked", "sent", "warned"),
    [
        ("gpt-image-2.6-flare", "transparent", "transparent", False),
        ("gpt-image-2.6-flare", "opaque", "opaque", False),
        ("gpt-image-2.6-flare", None, None, False),
        ("gpt-image-2", "transparent", None, True),
        ("ideogram-4", "transparent", None, True),
        ("ideogram-4", "opaque", None, False),
        ("ideogram-4", None, None, False),
    ],
)
def test_what_a_model_is_sent(model: str, asked: Background | None, sent: str | None, warned: bool) -> None:
    """Only a wish for a transparent picture can be dropped: whoever cannot draws opaque ones anyway."""
    wire, warnings = fit(ImageRequest("a fox", background=asked), CATALOG.models[model])
    assert wire.background == sent
    assert warnings == ((f"background dropped: {model} takes none",) if warned else ())
