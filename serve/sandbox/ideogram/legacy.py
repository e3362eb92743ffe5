"""Ideogram 2.0 and 2a on the legacy endpoint, `POST /generate`.

It lives on without a date for its end, and says with every picture what it is followed by: in the headers `Deprecation`
and `Link`, and in a `notice` in the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Clock, Desk, Easel, Order, Provider, Reply, named_model
from serve.sandbox.fields import mapping, one_of, whole, words
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
from serve.sandbox.ideogram.sizes import LEGACY_RATIOS, RATIOS, RESOLUTIONS_2, legacy, seed_of

_USD = {"V_2": 0.08, "V_2_TURBO": 0.05, "V_2A": 0.04, "V_2A_TURBO": 0.025}
MODELS = tuple(_USD)

_API = "https://api.ideogram.ai"
_SUCCESSORS = {
    "V_2": f"{_API}/v2/image/generate/ideogram-2",
    "V_2_TURBO": f"{_API}/v2/image/generate/ideogram-2",
    "V_2A": f"{_API}/v2/image/generate/ideogram-2a",
    "V_2A_TURBO": f"{_API}/v2/image/generate/ideogram-2a",
}
# A Unix time with an @ before it (RFC 9745). The vendor's own is not published; this one is 2026-04-29.
_DEPRECATED = "@1777420800"

_NOT_ON_2A = ("negative_prompt", "resolution", "color_palette")
_RATIOS = {legacy("ASPECT", name): RATIOS[name] for name in LEGACY_RATIOS}
_RESOLUTIONS = {legacy("RESOLUTION", name): pixels for name, pixels in RESOLUTIONS_2.items()}
_FIELDS = {
    "prompt": words(LONGEST_PROMPT),
    "model": one_of(*MODELS),
    "aspect_ratio": one_of(*_RATIOS),
    "resolution": one_of(*_RESOLUTIONS),
    "magic_prompt_option": one_of("AUTO", "ON", "OFF"),
    "seed": whole(0, LARGEST_SEED),
    "style_type": one_of("AUTO", "GENERAL", "REALISTIC", "DESIGN", "RENDER_3D", "ANIME", "FICTION"),
    "negative_prompt": words(LONGEST_PROMPT),
    "num_images": whole(1, MOST_IMAGES),
    "color_palette": mapping,
}


class LegacyDesk(Desk):
    """`POST /generate`. `clock` gives Unix seconds."""

    provider: ClassVar[Provider] = "ideogram"
    bills_blocked: ClassVar[bool] = True

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return named_model(payload.get("image_request") if isinstance(payload, dict) else None)

    @override
    def order(self, request: Request, payload: object) -> Order:
        check_key(request)
        if not isinstance(payload, dict) or set(payload) != {"image_request"}:
            raise invalid("The body must be a JSON object with the one field image_request.")
        wanted = check_object(payload["image_request"], "image_request", _FIELDS)
        model = wanted.get("model", "V_2")
        _check_model(model, wanted)
        return _order(model, wanted)

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        return self._answer(order, easel)

    @override
    def blocked(self, order: Order) -> Reply:
        """A 200 without a link, and billed."""
        return self._answer(order, None)

    @override
    def empty(self, order: Order) -> Reply:
        return self._reply(order, [])

    @override
    def gone(self, model: str) -> Reply:
        return gone(model)

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        return failure(status, retry_after, code)

    def _answer(self, order: Order, easel: Easel | None) -> Reply:
        rows = [picture_row(sketch, easel, order.terms) for sketch in order.sketches]
        return self._reply(order, rows)

    def _reply(self, order: Order, rows: list[dict[str, Any]]) -> Reply:
        successor = _SUCCESSORS[order.model]
        notice = f"POST /generate is deprecated: use {successor.removeprefix(_API)} in its place."
        headers = {"deprecation": _DEPRECATED, "link": f'<{successor}>; rel="successor-version"'}
        return Reply(200, {"created": self._created(), "data": rows, "notice": notice}, headers)

    def _created(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()


def _check_model(model: str, wanted: Mapping[str, Any]) -> None:
    if model.startswith("V_2A"):
        for name in _NOT_ON_2A:
            if name in wanted:
                raise invalid(f"{name}: not supported by the model {model}.")
    if "resolution" in wanted and "aspect_ratio" in wanted:
        raise invalid("resolution and aspect_ratio exclude each other.")


def _order(model: str, wanted: Mapping[str, Any]) -> Order:
    if "resolution" in wanted:
        width, height = _RESOLUTIONS[wanted["resolution"]]
    else:
        width, height = _RATIOS[wanted.get("aspect_ratio", "ASPECT_1_1")]
    prompt, count = wanted["prompt"], wanted.get("num_images", 1)
    seed = wanted.get("seed", seed_of(prompt))
    sketches = tuple(
        Sketch(model, prompt, width, height, legible=True, index=index, seed=seed) for index in range(count)
    )
    return Order(
        model, prompt, sketches, round(_USD[model] * count, 6), {"style_type": wanted.get("style_type", "GENERAL")}
    )
