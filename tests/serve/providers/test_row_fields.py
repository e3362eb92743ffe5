"""What a catalogue row says of its own wire format: constants to send, names of fields, shapes in pixels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import httpx
import pytest

from serve.catalog import load_catalog
from serve.errors import CatalogError
from serve.image_request import ReadyModel, WireRequest
from serve.providers import dialect_of

NAMES = sorted(load_catalog().models)

ask = partial(WireRequest, "a fox")


def shape_of(model: ReadyModel) -> str:
    """A shape that the row has."""
    return next(iter(model.row.shapes.values()))


def built(model: ReadyModel, request: WireRequest) -> httpx.Request:
    """The vendor's request for this model."""
    return dialect_of(model.row).build(model, request)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gpt-image-2.5-flare", []),
        ("imagen-4", ["parameters"]),
        ("gemini-nano-banana-2.1", ["generationConfig"]),
        ("ideogram-v2", ["image_request"]),
        ("ideogram-2", []),
        ("flux-2-flex", []),
    ],
)
def test_row_extra_is_sent_as_it_stands(ready: Callable[[str], ReadyModel], name: str, path: list[str]) -> None:
    """A row's `extra` lands where the dialect's parameters are, so that a new constant is a line in the catalogue."""
    model = ready(name)
    row = model.row.model_copy(update={"extra": {"style_type": "DESIGN", "steps": 20}})
    body = json.loads(built(replace(model, row=row), ask(1, shape_of(model))).content)
    for step in path:
        body = body[step]
    assert (body["style_type"], body["steps"]) == ("DESIGN", 20)


@pytest.mark.parametrize("name", ["gpt-image-2", "ideogram-3"])
def test_row_names_fields_its_own_way(ready: Callable[[str], ReadyModel], name: str) -> None:
    """Every wish goes under the name that the row gives it, and under no other."""
    names = {wish: f"its_{wish}" for wish in ("shape", "quality", "seed", "negative_prompt")}
    model = ready(name)
    model = replace(model, row=model.row.model_copy(update={"wire_names": names}))
    plain = json.loads(built(ready(name), ask(1, "@")).content)
    body = json.loads(built(model, ask(1, "@", "fine", seed=0, negative_prompt="fog")).content)
    assert {key: body[key] for key in names.values()} == {
        "its_shape": "@",
        "its_quality": "fine",
        "its_seed": 0,
        "its_negative_prompt": "fog",
    }
    assert set(body) - set(names.values()) == set(plain) - {"size", "aspect_ratio"}


@pytest.mark.parametrize("shape", ["1:1", "16x9x2", "1024", "1024x1024 ", "-1x1"])
def test_flux_needs_its_shapes_in_pixels(ready: Callable[[str], ReadyModel], shape: str) -> None:
    """A row whose shapes are no pixels is a mistake of the catalogue, and named."""
    with pytest.raises(CatalogError, match=rf"models\.flux-2-pro\.shapes: {re.escape(repr(shape))}"):
        built(ready("flux-2-pro"), ask(1, shape))


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("gpt-image")])
def test_gpt_image_is_never_sent_response_format(ready: Callable[[str], ReadyModel], name: str) -> None:
    """GPT Image refuses `response_format`, so only dall-e-3's row says it."""
    assert "response_format" not in json.loads(built(ready(name), ask(1, "1024x1024")).content)
