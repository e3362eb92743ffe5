"""The sandbox: an ASGI application that stands in for OpenAI, Google, Ideogram, Black Forest Labs and Recraft.

It states the vendors' facts for itself and shares no code with the service's providers, so that it can judge them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from serve.sandbox.bfl import desk as bfl
from serve.sandbox.bfl.desk import BflDesk
from serve.sandbox.canvas import draw
from serve.sandbox.desk import Clock, Provider, RefusedError, Reply
from serve.sandbox.exchange import Exchange, House
from serve.sandbox.faults import FaultDice, FaultPlan
from serve.sandbox.gallery import Gallery
from serve.sandbox.google import gemini, imagen
from serve.sandbox.google.gemini import GeminiDesk
from serve.sandbox.google.imagen import ImagenDesk
from serve.sandbox.ideogram import legacy, v2
from serve.sandbox.ideogram.legacy import LegacyDesk
from serve.sandbox.ideogram.v2 import V2Desk
from serve.sandbox.ledger import Ledger
from serve.sandbox.openai import desk as openai
from serve.sandbox.openai.desk import OpenAIDesk, check_key, model_list
from serve.sandbox.recraft import desk as recraft
from serve.sandbox.recraft.desk import RecraftDesk

# Ideogram's image host turns away clients that do not say who they are.
_NAMELESS = ("python-httpx", "python-urllib")


def served_models() -> dict[str, Provider]:
    """Every model id that the sandbox answers for, and whose it is."""
    owners: Mapping[Provider, tuple[str, ...]] = {
        "openai": openai.MODELS,
        "google": imagen.MODELS + gemini.MODELS,
        "ideogram": legacy.MODELS + v2.MODELS,
        "bfl": bfl.MODELS,
        "recraft": recraft.MODELS,
    }
    return {model: provider for provider, models in owners.items() for model in models}


class Sandbox:
    """The ASGI application; `ledger` is what `GET /__ledger` shows."""

    def __init__(self, faults: FaultPlan, seed: int, clock: Clock) -> None:
        self.ledger = Ledger()
        self._seed = seed
        self._gallery = Gallery(seed, clock)
        self._bfl = BflDesk(self._gallery)
        house = House(seed, self.ledger, FaultDice(faults, seed), self._gallery)
        self._router = Router(
            [
                _post("/openai/v1/images/generations", Exchange(OpenAIDesk(clock), house)),
                _post("/google/v1beta/models/{model}:predict", Exchange(ImagenDesk(), house)),
                _post("/google/v1beta/models/{model}:generateContent", Exchange(GeminiDesk(), house)),
                _post("/ideogram/generate", Exchange(LegacyDesk(clock), house)),
                _post("/ideogram/v2/image/generate/{model}", Exchange(V2Desk(), house)),
                _post("/bfl/v1/{model}", Exchange(self._bfl, house)),
                _post("/recraft/v1/images/generations", Exchange(RecraftDesk(clock), house)),
                Route("/openai/v1/models", _openai_models),
                Route("/bfl/v1/get_result", self._bfl_poll, methods=["GET"]),
                Route("/openai/images/private/{org}/{user}/img-{id}.png", self._expiring_image),
                Route("/ideogram/api/images/ephemeral/{id}.png", self._ideogram_image),
                Route("/bfl/delivery/results/{id}/sample.{format}", self._expiring_image),
                Route("/recraft/images/{id}.{format}", self._expiring_image),
                Route("/__ledger", self._show_ledger, methods=["GET"]),
                Route("/__ledger", self._clear_ledger, methods=["DELETE"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        await self._router(scope, receive, send)

    async def _show_ledger(self, request: Request) -> Response:
        return JSONResponse(self.ledger.as_json())

    async def _clear_ledger(self, request: Request) -> Response:
        self.ledger.clear()
        return Response(status_code=204)

    async def _ideogram_image(self, request: Request) -> Response:
        if request.headers.get("user-agent", "").lower().startswith(_NAMELESS):
            return Response("Forbidden", 403, media_type="text/plain")
        return await self._image(request, _second(request.query_params.get("exp", "")))

    async def _expiring_image(self, request: Request) -> Response:
        query = request.query_params
        return await self._image(request, _second(query.get("se") or query.get("exp", "")))

    async def _bfl_poll(self, request: Request) -> Response:
        return _response(self._bfl.poll(request))

    async def _image(self, request: Request, expires: int) -> Response:
        found = self._gallery.find(request.path_params["id"], expires, request.query_params.get("sig", ""))
        if found == "forbidden":
            return Response("Forbidden", 403, media_type="text/plain")
        if found == "unknown":
            return Response("Not Found", 404, media_type="text/plain")
        picture = await anyio.to_thread.run_sync(draw, found, self._seed)
        return Response(picture, media_type=f"image/{found.format}")


def create_sandbox(faults: FaultPlan | None = None, *, seed: int = 0, clock: Clock = time.time) -> Sandbox:
    """A sandbox with an empty ledger.

    `faults` go wrong (none by default); `seed` changes every picture and every die; `clock` gives Unix seconds.
    """
    return Sandbox(faults or FaultPlan(), seed, clock)


def _post(path: str, exchange: Exchange) -> Route:
    return Route(path, exchange, methods=["POST"])


async def _openai_models(request: Request) -> Response:
    try:
        check_key(request)
    except RefusedError as refused:
        return _response(refused.reply)
    return JSONResponse(model_list())


def _response(reply: Reply) -> Response:
    kind = PlainTextResponse if isinstance(reply.body, str) else JSONResponse
    return kind(reply.body, reply.status, dict(reply.headers))


def _second(text: str) -> int:
    """A Unix second from its digits or its ISO form; 0, long past, from anything else."""
    if text.isdecimal():
        return int(text)
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return 0
