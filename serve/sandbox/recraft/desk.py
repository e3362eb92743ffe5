"""Recraft V3 and V4.1 on `POST /v1/images/generations`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Clock, Desk, Easel, Order, Provider, RefusedError, Reply, named_model
from serve.sandbox.fields import Fields, Flaw, first_flaw, listing, mapping, one_of, whole, words

_CREDITS_A_USD = 1000
_MOST_IMAGES = 6

_SIZES_3 = {
    "1:1": "1024x1024",
    "2:1": "2048x1024",
    "1:2": "1024x2048",
    "3:2": "1536x1024",
    "2:3": "1024x1536",
    "4:3": "1365x1024",
    "3:4": "1024x1365",
    "5:4": "1280x1024",
    "4:5": "1024x1280",
    "6:10": "1024x1707",
    "14:10": "1434x1024",
    "10:14": "1024x1434",
    "16:9": "1820x1024",
    "9:16": "1024x1820",
}
_SIZES_4 = {
    "1:1": "1024x1024",
    "2:1": "1536x768",
    "1:2": "768x1536",
    "3:2": "1280x832",
    "2:3": "832x1280",
    "4:3": "1216x896",
    "3:4": "896x1216",
    "5:4": "1152x896",
    "4:5": "896x1152",
    "6:10": "832x1344",
    "14:10": "1280x896",
    "10:14": "896x1280",
    "16:9": "1344x768",
    "9:16": "768x1344",
}


@dataclass(frozen=True, slots=True)
class _Model:
    usd: float
    sizes: Mapping[str, str]
    longest_prompt: int
    more: Fields


_ONLY_3: Fields = {
    "style": words(100),
    "style_id": words(100),
    "negative_prompt": words(1000),
    "text_layout": listing,
}
_MODELS = {
    "recraftv4_1": _Model(0.035, _SIZES_4, 10_000, {}),
    "recraftv3": _Model(0.04, _SIZES_3, 1000, _ONLY_3),
}
MODELS = tuple(_MODELS)
_DEFAULT = "recraftv4_1"

_MESSAGES = {
    "unknown": "unknown parameter {name}",
    "missing": "missing parameter {name}",
    "type": "invalid {name}: expected {expected}, got {got}",
    "choice": "invalid {name}: '{got}' is none of {expected}",
    "below": "invalid {name}: {got} is less than {expected}",
    "above": "invalid {name}: {got} is more than {expected}",
    "empty": "invalid {name}: it is empty",
    "long": "invalid {name}: {got} characters, at most {expected}",
}


class RecraftDesk(Desk):
    """`POST /v1/images/generations`. `clock` gives Unix seconds."""

    provider: ClassVar[Provider] = "recraft"
    bills_blocked: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return named_model(payload)

    @override
    def order(self, request: Request, payload: object) -> Order:
        _check_key(request)
        if not isinstance(payload, dict):
            raise RefusedError(_error(400, "the body is no JSON object"))
        model = self.model_of(request, payload) or _DEFAULT
        if model not in _MODELS:
            raise RefusedError(self.gone(model))
        body = _checked(payload, _MODELS[model])
        return _order(model, body)

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        return self._answer(order, [await self._picture(sketch, order, easel) for sketch in order.sketches])

    @override
    def blocked(self, order: Order) -> Reply:
        return _error(400, "the prompt was refused by moderation")

    @override
    def empty(self, order: Order) -> Reply:
        return self._answer(order, [])

    @override
    def gone(self, model: str) -> Reply:
        return _error(404, f"unknown model {model}")

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        reply = _error(status, code or f"the sandbox was told to answer with {status}")
        return replace(reply, headers={} if retry_after is None else {"retry-after": str(retry_after)})

    def _answer(self, order: Order, data: list[dict[str, str]]) -> Reply:
        body = {"created": int(self._clock()), "credits": round(order.usd * _CREDITS_A_USD), "data": data}
        return Reply(200, body, {"x-recraft-requestid": uuid.uuid4().hex})

    async def _picture(self, sketch: Sketch, order: Order, easel: Easel) -> dict[str, str]:
        image_id = str(uuid.uuid4())
        if not order.terms["link"]:
            return {"image_id": image_id, "b64_json": await easel.paint_base64(sketch)}
        link = easel.gallery.hang(sketch)
        path = f"recraft/images/{link.id}.{sketch.format}"
        return {"image_id": image_id, "url": f"{easel.base_url}{path}?exp={link.expires}&sig={link.signature}"}


def _check_key(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or key.strip() in ("", "invalid"):
        raise RefusedError(Reply(401, "request unauthorized"))


def _error(status: int, message: str) -> Reply:
    """The vendor publishes no shape for its JSON errors; clients go by the status."""
    return Reply(status, {"message": message})


def _checked(payload: Mapping[str, Any], row: _Model) -> dict[str, Any]:
    fields: Fields = {
        "model": one_of(*MODELS),
        "prompt": words(row.longest_prompt),
        "n": whole(1, _MOST_IMAGES),
        "size": one_of(*row.sizes, *row.sizes.values()),
        "response_format": one_of("url", "b64_json"),
        "image_format": one_of("png", "webp"),
        "random_seed": whole(0, 2**31 - 1),
        "controls": mapping,
        **row.more,
    }
    found = ("prompt", Flaw("missing")) if payload.get("prompt") is None else first_flaw(payload, fields)
    if found is not None:
        name, flaw = found
        raise RefusedError(_error(400, _MESSAGES[flaw.kind].format(name=name, expected=flaw.expected, got=flaw.got)))
    return {name: part for name, part in payload.items() if part is not None}


def _order(model: str, body: Mapping[str, Any]) -> Order:
    row = _MODELS[model]
    size = body.get("size", "1:1")
    width, height = map(int, row.sizes.get(size, size).split("x"))
    count = body.get("n", 1)
    sketch = Sketch(
        model,
        body["prompt"],
        width,
        height,
        legible=True,
        seed=body.get("random_seed"),
        format=body.get("image_format", "webp"),
    )
    sketches = tuple(replace(sketch, index=index) for index in range(count))
    terms = {"link": body.get("response_format") != "b64_json"}
    return Order(model, body["prompt"], sketches, round(row.usd * count, 6), terms)
