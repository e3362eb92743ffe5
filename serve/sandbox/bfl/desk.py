"""FLUX.2: `POST /v1/{model}` takes the order, `GET /v1/get_result?id=` says how far it is.

An order is pending at its first poll and done at the next one, so that every caller has to poll. Polls cost nothing and
stand in no ledger.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from starlette.requests import Request
from typing_extensions import override

from serve.sandbox.bfl.errors import check_key, check_object, invalid
from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Desk, Easel, Order, Provider, RefusedError, Reply
from serve.sandbox.fields import Fields, number, one_of, whole, words, yes_or_no
from serve.sandbox.gallery import Gallery

LINK_LIFETIME_S = 600
_STEP, _SHORTEST, _LONGEST, _MOST_PIXELS = 16, 256, 2048, 4_194_304
_MEGAPIXEL = 1024 * 1024
_CREDIT_USD = 0.01
_KEPT = 4096

_FIELDS: Fields = {
    "prompt": words(100_000),
    "width": whole(_SHORTEST, _LONGEST),
    "height": whole(_SHORTEST, _LONGEST),
    "seed": whole(-(2**63), 2**63 - 1),
    "safety_tolerance": whole(0, 5),
    "output_format": one_of("jpeg", "png"),
    "prompt_upsampling": yes_or_no,
    "disable_pup": yes_or_no,
}
_FLEX: Fields = _FIELDS | {"steps": whole(1, 50), "guidance": number}


@dataclass(frozen=True, slots=True)
class _Model:
    """Credits for the first megapixel and for each one more, begun ones counted whole."""

    first: float
    more: float
    legible: bool
    fields: Fields


_MODELS = {
    "flux-2-pro": _Model(3, 1.5, legible=True, fields=_FIELDS),
    "flux-2-max": _Model(7, 3, legible=True, fields=_FIELDS),
    "flux-2-flex": _Model(6, 6, legible=True, fields=_FLEX),
    "flux-2-klein-4b": _Model(1.4, 0.1, legible=False, fields=_FIELDS),
    "flux-2-klein-9b": _Model(1.5, 0.2, legible=False, fields=_FIELDS),
}
MODELS = tuple(_MODELS)


@dataclass(slots=True)
class _Task:
    """An order that was taken on: how it will end, and how often its caller still has to ask."""

    ends: str
    sketch: Sketch
    polls: int = 1
    sample: str | None = None


class BflDesk(Desk):
    """`POST /v1/{model}`, and `poll` for what becomes of it. The newest orders are kept."""

    provider: ClassVar[Provider] = "bfl"
    bills_blocked: ClassVar[bool] = False

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._tasks: OrderedDict[str, _Task] = OrderedDict()
        self._taken = 0

    @override
    def model_of(self, request: Request, payload: object) -> str | None:
        return str(request.path_params["model"])

    @override
    def order(self, request: Request, payload: object) -> Order:
        check_key(request)
        model = str(request.path_params["model"])
        if model not in _MODELS:
            raise RefusedError(self.gone(model))
        wanted = check_object(payload, _MODELS[model].fields)
        width, height = _size(wanted)
        sketch = Sketch(
            model,
            wanted["prompt"],
            width,
            height,
            legible=_MODELS[model].legible,
            seed=wanted.get("seed"),
            format=wanted.get("output_format", "jpeg"),
        )
        megapixels = math.ceil(width * height / _MEGAPIXEL)
        cost = round(_MODELS[model].first + _MODELS[model].more * (megapixels - 1), 6)
        terms = {"base_url": str(request.base_url), "cost": cost, "output_mp": round(width * height / 1e6, 2)}
        return Order(model, wanted["prompt"], (sketch,), round(cost * _CREDIT_USD, 6), terms)

    @override
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        return self._taken_on(order, "Ready")

    @override
    def blocked(self, order: Order) -> Reply:
        """Taken on like any other; the polls say that the prompt was refused."""
        return self._taken_on(order, "Request Moderated")

    @override
    def empty(self, order: Order) -> Reply:
        return self._taken_on(order, "Ready without a sample")

    @override
    def gone(self, model: str) -> Reply:
        return Reply(404, {"detail": "Not Found"})

    @override
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        detail = code or f"The sandbox was told to answer with {status}."
        return Reply(status, {"detail": detail}, {} if retry_after is None else {"retry-after": str(retry_after)})

    def poll(self, request: Request) -> Reply:
        """`GET /v1/get_result?id=`. Always a success: the status in the body says how it went."""
        try:
            check_key(request)
        except RefusedError as refused:
            return refused.reply
        task_id = request.query_params.get("id", "")
        task = self._tasks.get(task_id)
        if task is None:
            return Reply(200, {"id": task_id, "status": "Task not found", "result": None})
        if task.polls > 0:
            task.polls -= 1
            return Reply(200, {"id": task_id, "status": "Pending", "result": None})
        status, _, hidden = task.ends.partition(" without ")
        result = None
        if status == "Ready":
            result = {"sample": None if hidden else self._sample(task, request), "seed": task.sketch.seed}
        return Reply(200, {"id": task_id, "status": status, "result": result})

    def _sample(self, task: _Task, request: Request) -> str:
        """The signed link, the same at every poll."""
        if task.sample is None:
            link = self._gallery.hang(task.sketch, LINK_LIFETIME_S)
            until = datetime.fromtimestamp(link.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            path = f"bfl/delivery/results/{link.id}/sample.{task.sketch.format}"
            task.sample = f"{request.base_url}{path}?se={until}&sig={link.signature}"
        return task.sample

    def _taken_on(self, order: Order, ends: str) -> Reply:
        self._taken += 1
        task_id = hashlib.sha256(f"{self._taken}/{order.model}".encode()).hexdigest()[:32]
        self._tasks[task_id] = _Task(ends, order.sketches[0])
        if len(self._tasks) > _KEPT:
            self._tasks.popitem(last=False)
        polling = f"{order.terms['base_url']}bfl/v1/get_result?id={task_id}"
        figures = {"cost": order.terms["cost"], "input_mp": 0.0, "output_mp": order.terms["output_mp"]}
        return Reply(200, {"id": task_id, "polling_url": polling, **figures})


def _size(wanted: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels."""
    width, height = wanted.get("width", 1024), wanted.get("height", 1024)
    for name, edge in (("width", width), ("height", height)):
        if edge % _STEP:
            raise invalid(name, f"Input should be a multiple of {_STEP}")
    if width * height > _MOST_PIXELS:
        raise invalid("height", f"Width times height should be at most {_MOST_PIXELS}")
    return width, height
