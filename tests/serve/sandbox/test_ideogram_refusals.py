"""What Ideogram refuses, on both of its endpoints."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from serve.sandbox.app import Sandbox

Send = Callable[..., Awaitable[httpx.Response]]
CallOf = Callable[[str], tuple[str, dict[str, str], dict[str, Any]]]

LEGACY = [
    ({"negative_prompt": "blur"}, "negative_prompt"),
    ({"model": "V_2A_TURBO", "negative_prompt": "blur"}, "negative_prompt"),
    ({"resolution": "RESOLUTION_1024_1024"}, "resolution"),
    ({"color_palette": {"name": "PASTEL"}}, "color_palette"),
    ({"model": "V_2", "resolution": "RESOLUTION_1024_1024", "aspect_ratio": "ASPECT_1_1"}, "resolution"),
    ({"model": "V_2", "resolution": "RESOLUTION_1000_1000"}, "resolution"),
    ({"model": "V_9"}, "model"),
    ({"model": "ideogram-2"}, "model"),
    ({"aspect_ratio": "16:9"}, "aspect_ratio"),
    ({"aspect_ratio": "ASPECT_2_1"}, "aspect_ratio"),
    ({"aspect_ratio": "16x9"}, "aspect_ratio"),
    ({"style_type": "general"}, "style_type"),
    ({"magic_prompt_option": "MAYBE"}, "magic_prompt_option"),
    ({"num_images": 0}, "num_images"),
    ({"num_images": 9}, "num_images"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**31}, "seed"),
    ({"seed": "7"}, "seed"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"prompt": "x" * 10_001}, "prompt"),
    ({"rendering_speed": "TURBO"}, "rendering_speed"),
    ({"n": 1}, "n"),
]
V2 = [
    ({"negative_prompt": "blur"}, "negative_prompt"),
    ({"resolution": "1024x1024"}, "resolution"),
    ({"aspect_ratio": "ASPECT_16_9"}, "aspect_ratio"),
    ({"aspect_ratio": "16:9"}, "aspect_ratio"),
    ({"rendering_speed": "TURBO"}, "rendering_speed"),
    ({"rendering_speed": "flash"}, "rendering_speed"),
    ({"style_type": "GENERAL"}, "style_type"),
    ({"style_type": "fiction"}, "style_type"),
    ({"magic_prompt": "AUTO"}, "magic_prompt"),
    ({"magic_prompt_option": "auto"}, "magic_prompt_option"),
    ({"num_images": 9}, "num_images"),
    ({"num_images": 0}, "num_images"),
    ({"seed": 2**31}, "seed"),
    ({"private": "no"}, "private"),
    ({"async": True}, "async"),
    ({"webhook_url": "https://hook.test/"}, "webhook_url"),
    ({"model": "ideogram-2a"}, "model"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"prompt": "x" * 10_001}, "prompt"),
]

V4 = [
    ({"aspect_ratio": "1x1"}, "aspect_ratio"),
    ({"size": "1024x1024"}, "size"),
    ({"resolution": "1344x768"}, "resolution"),
    ({"resolution": "auto"}, "resolution"),
    ({"quality": "high"}, "quality"),
    ({"negative_prompt": "blur"}, "negative_prompt"),
    ({"style_type": "general"}, "style_type"),
    ({"num_images": 9}, "num_images"),
]
V4_5 = [
    ({"aspect_ratio": "1x1"}, "aspect_ratio"),
    ({"resolution": "1024x1024"}, "resolution"),
    ({"size": "1536x512"}, "size"),
    ({"size": "source"}, "size"),
    ({"rendering_speed": "turbo"}, "rendering_speed"),
    ({"quality": "very_low"}, "quality"),
    ({"negative_prompt": "blur"}, "negative_prompt"),
    ({"seed": 2**31}, "seed"),
]


@pytest.mark.parametrize(
    ("dialect", "fields", "named"),
    [(dialect, *row) for dialect, rows in {"legacy": LEGACY, "v2": V2, "v4": V4, "v4.5": V4_5}.items() for row in rows],
)
async def test_a_wrong_field_is_refused_by_name(
    *, dialect: str, fields: dict[str, object], named: str, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """400 with an `error` that names the field, and nothing is billed."""
    answer = await send(client, dialect, **fields)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert sandbox.ledger.totals["usd"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "V_2", "negative_prompt": "blur"},
        {"model": "V_2_TURBO", "negative_prompt": "blur"},
        {"model": "V_2", "resolution": "RESOLUTION_1280_720"},
        {"model": "V_2", "color_palette": {"name": "PASTEL"}},
    ],
)
async def test_2_0_takes_what_2a_refuses(fields: dict[str, object], client: httpx.AsyncClient, send: Send) -> None:
    """Negative prompts, resolutions and palettes belong to 2.0."""
    assert (await send(client, "legacy", **fields)).status_code == 200


async def test_model_3_of_v2_takes_a_resolution_or_a_ratio(client: httpx.AsyncClient, call: CallOf) -> None:
    """ideogram-3 has resolutions; both at once are refused, and so is a resolution it does not list."""
    _, headers, body = call("v2")
    path = "/ideogram/v2/image/generate/ideogram-3"
    statuses = [
        (await client.post(path, headers=headers, json=body | more)).status_code
        for more in (
            {"resolution": "1536x512", "negative_prompt": "blur"},
            {"resolution": "1536x512", "aspect_ratio": "3x1"},
            {"resolution": "1000x1000"},
            {"style_codes": ["0a1b2c3d"], "style_type": "general"},
        )
    ]
    assert statuses == [200, 400, 400, 400]


async def test_an_unknown_model_of_v2_is_not_found(client: httpx.AsyncClient, call: CallOf) -> None:
    """The model is in the path, so an unknown one is a 404."""
    _, headers, body = call("v2")
    answer = await client.post("/ideogram/v2/image/generate/ideogram-1", headers=headers, json=body)
    assert answer.status_code == 404
    assert "ideogram-1" in answer.json()["error"]


async def test_a_dry_run_is_refused_rather_than_billed(
    client: httpx.AsyncClient, call: CallOf, sandbox: Sandbox
) -> None:
    """The vendor would quote a price for free; drawing and billing instead would be worse than saying no."""
    path, headers, body = call("v2")
    assert (await client.post(f"{path}?dry_run=true", headers=headers, json=body)).status_code == 400
    assert sandbox.ledger.totals["usd"] == 0


@pytest.mark.parametrize("dialect", ["legacy", "v2"])
@pytest.mark.parametrize("headers", [{}, {"api-key": ""}, {"api-key": "invalid"}, {"authorization": "Bearer any"}])
async def test_a_missing_or_wrong_key_is_refused(
    dialect: str, headers: dict[str, str], client: httpx.AsyncClient, call: CallOf
) -> None:
    """401: the key belongs into `Api-Key`, and a Bearer key is none."""
    path, _, body = call(dialect)
    assert (await client.post(path, headers=headers, json=body)).status_code == 401


@pytest.mark.parametrize("dialect", ["legacy", "v2"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"prompt": "a cat", "image_request": {}}', b'{"image_request": 1}']
)
async def test_a_body_of_another_shape_is_refused(
    dialect: str, body: bytes, client: httpx.AsyncClient, call: CallOf
) -> None:
    """400 for what is not JSON, not an object, or wrapped in the other endpoint's way."""
    path, headers, _ = call(dialect)
    assert (await client.post(path, headers=headers, content=body)).status_code == 400


@pytest.mark.parametrize("dialect", ["legacy", "v2"])
async def test_an_unsafe_picture_has_no_link_and_is_billed(
    dialect: str, client: httpx.AsyncClient, send: Send, sandbox: Sandbox
) -> None:
    """A blocked prompt gets 200, `is_image_safe` false and no `url`, at the full price."""
    answer = await send(client, dialect, prompt="a sandbox-blocked scene", num_images=2)
    assert answer.status_code == 200
    assert [(row["url"], row["is_image_safe"]) for row in answer.json()["data"]] == [(None, False)] * 2
    assert sandbox.ledger.totals == {"calls": 1, "billed_calls": 1, "billed_images": 2, "usd": 0.08}


@pytest.mark.parametrize(
    ("model", "successor"),
    [("V_2", "ideogram-2"), ("V_2_TURBO", "ideogram-2"), ("V_2A", "ideogram-2a"), ("V_2A_TURBO", "ideogram-2a")],
)
async def test_the_legacy_endpoint_says_what_follows_it(
    model: str, successor: str, client: httpx.AsyncClient, send: Send
) -> None:
    """Its pictures come with the date of its deprecation, the address of its successor, and a notice."""
    answer = await send(client, "legacy", model=model)
    assert re.fullmatch(r"@[0-9]{10}", answer.headers["deprecation"])
    link = f'<https://api.ideogram.ai/v2/image/generate/{successor}>; rel="successor-version"'
    assert answer.headers["link"] == link
    assert successor in answer.json()["notice"]
    assert "deprecation" not in (await send(client, "v2")).headers
