"""Ideogram 2.0 to 4.5 on v2 of the API, `POST /v2/image/generate/{model}`: lower case, and the model in the path.

What a picture's shape is called, and its quality, differs from model to model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Desk, Easel, Order, Provider, RefusedError, Reply
from serve.sandbox.fields import Fields, listing, mapping, one_of, whole, words, yes_or_no
from serve.sandbox.ideogram.errors import (
    LARGEST_SEED,
    LONGEST_PROMPT,
    MOST_IMAGES,
    check_key,
    check_object,
    failure,
    gone,
    invalid,
    picture_row,
)
from serve.sandbox.ideogram.sizes import RATIOS, RESOLUTIONS_3, RESOLUTIONS_4, SIZES_4_5, seed_of

_EVERYWHERE: Fields = {
    "prompt": words(LONGEST_PROMPT),
    "magic_prompt": one_of("auto", "on", "off"),
    "num_images": whole(1, MOST_IMAGES),
    "seed": whole(0, LARGEST_SEED),
    "private": yes_or_no,
    "async": yes_or_no,
    "webhook_url": words(4096),
    "enable_copyright_detection": yes_or_no,
    "target_collection_id": words(4096),
}
_RATIO: Fields = {"aspect_ratio": one_of("auto", *RATIOS)}
_SPEED: Fields = {"rendering_speed": one_of("turbo", "default", "quality")}
_OLD_STYLES: Fields = {"style_type": one_of("auto", "general", "realistic", "design", "render_3d", "anime")}
_NEGATIVE: Fields = {"negative_prompt": words(LONGEST_PROMPT)}
_ONLY_3: Fields = {
    "resolution": one_of(*RESOLUTIONS_3),
    "style_type": one_of("auto", "general", "realistic", "design", "custom", "fiction", "stylized"),
    "style_codes": listing,
    "color_palette": mapping,
}


_ONLY_4: Fields = {"resolution": one_of(*RESOLUTIONS_4)}
# Its very_low quality and its size "source" need a picture to start from, which this stand-in does not take.
_ONLY_4_5: Fields = {"size": one_of("auto", *SIZES_4_5), "quality": one_of("low", "medium", "high")}


@dataclass(frozen=True, slots=True)
class _Model:
    """What a picture costs by its quality (left out, it is `usual`), and the fields that the model takes."""

    usd: Mapping[str, float]
    fields: Fields
    usual: str = "default"


_BY_SPEED = _EVERYWHERE | _SPEED
_MODELS = {
    "ideogram-2": _Model(
        {"turbo": 0.05, "default": 0.08, "quality": 0.08}, _BY_SPEED | _RATIO | _OLD_STYLES | _NEGATIVE
    ),
    "ideogram-2a": _Model({"turbo": 0.025, "default": 0.04, "quality": 0.04}, _BY_SPEED | _RATIO | _OLD_STYLES),
    "ideogram-3": _Model({"turbo": 0.03, "default": 0.06, "quality": 0.09}, _BY_SPEED | _RATIO | _NEGATIVE | _ONLY_3),
    "ideogram-4": _Model({"turbo": 0.03, "default": 0.06, "quality": 0.1}, _BY_SPEED | _ONLY_4),
    "ideogram-4-5": _Model({"low": 0.03, "medium": 0.06, "high": 0.1}, _EVERYWHERE | _ONLY_4_5, usual="high"),
}
MODELS = tuple(_MODELS)


class V2Desk(Desk):
    """`POST /v2/image/generate/{model}`."""

    provider: ClassVar[Provider] = "ideogram"
    bills_blocked: ClassVar[bool] = True

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return str(request.path_params["model"])

    @override
    def order(self, request: Request, payload: object) -> Order:
        check_key(request)
        model = str(request.path_params["model"])
        if model not in _MODELS:
            raise RefusedError(gone(model))
        if request.query_params:
            raise invalid("Query parameters such as dry_run are not offered by this stand-in.")
        wanted = check_object(payload, "body", _MODELS[model].fields)
        _check_combinations(wanted)
        return _order(model, wanted)

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        return _answer(order, [picture_row(sketch, easel) for sketch in order.sketches])

    @override
    def blocked(self, order: Order) -> Reply:
        """A 200 without a link, and billed."""
        return _answer(order, [picture_row(sketch, None) for sketch in order.sketches])

    @override
    def empty(self, order: Order) -> Reply:
        return _answer(order, [])

    @override
    def gone(self, model: str) -> Reply:
        return gone(model)

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        return failure(status, retry_after, code)


def _check_combinations(wanted: Mapping[str, Any]) -> None:
    if "resolution" in wanted and "aspect_ratio" in wanted:
        raise invalid("resolution and aspect_ratio exclude each other.")
    if "style_codes" in wanted and "style_type" in wanted:
        raise invalid("style_codes and style_type exclude each other.")
    if wanted.get("async") or "webhook_url" in wanted:
        raise invalid("async and webhook_url are not offered by this stand-in: it answers at once.")


def _order(model: str, wanted: Mapping[str, Any]) -> Order:
    width, height = _pixels(wanted)
    prompt, count = wanted["prompt"], wanted.get("num_images", 1)
    seed = wanted.get("seed", seed_of(prompt))
    sketches = tuple(
        Sketch(model, prompt, width, height, legible=True, index=index, seed=seed) for index in range(count)
    )
    row = _MODELS[model]
    usd = row.usd[wanted.get("rendering_speed") or wanted.get("quality") or row.usual]
    return Order(model, prompt, sketches, round(usd * count, 6))


def _pixels(wanted: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height; a model that is left to choose draws a square."""
    exact = wanted.get("resolution") or wanted.get("size")
    sizes = RESOLUTIONS_3 | RESOLUTIONS_4 | SIZES_4_5
    return sizes.get(exact or "") or RATIOS.get(wanted.get("aspect_ratio", "auto"), RATIOS["1x1"])


def _answer(order: Order, rows: list[dict[str, Any]]) -> Reply:
    generation = hashlib.sha256(repr(order).encode()).hexdigest()[:22]
    return Reply(200, {"generation_id": generation, "seed": order.sketches[0].seed, "data": rows})
