"""`POST /v1/images/generations`: OpenAI's contract, so that its SDK works with another `base_url` and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from serve.answers import KeptAnswer, render
from serve.endpoints.errors_doc import ERRORS
from serve.endpoints.quick import QuickRoute
from serve.error_handlers import crash, envelope
from serve.errors import ServiceError
from serve.event_stream import HEADERS, MEDIA_TYPE, error_event, event, is_over, pings
from serve.gateway_schemas import CompletedEvent, ImagesBody, ImagesResponse
from serve.observer import log_crash
from serve.openai_wishes import read_images_job
from serve.reception import KEYED, draw, facts, images_base, refuse, respond
from serve.schemas import ErrorEnvelope
from serve.service import Service, ServiceDep

_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": 'event: image_generation.completed\ndata: {"type": "image_generation.completed", ...}\n\n',
            }
        },
        "description": "The pictures; with `stream: true`, an event a picture.",
    }
}
router = APIRouter(tags=["OpenAI"], responses=ERRORS, route_class=QuickRoute)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asked, for what, and where our pictures are as it sees them."""

    body: ImagesBody
    base: str
    service: Service


@router.post(
    "/v1/images/generations",
    summary="Generate pictures, OpenAI's way",
    response_model=ImagesResponse,
    responses=_STREAMED,
    openapi_extra=KEYED,
)
async def generations(body: ImagesBody, request: Request, service: ServiceDep) -> Response:
    """`model` is "auto", an intent, or any model of `/v1/models`. Pictures come as `b64_json` unless you ask for `url`.

    With `stream: true` they come as server-sent events `image_generation.completed`, one a picture. What is refused
    has its HTTP status then, too; an error after the first 15 seconds is an event.
    """
    job = read_images_job(body, service.settings, service.catalog)
    caller = _Caller(body, images_base(request, service), service)
    if body.stream:
        return await _streamed(asyncio.create_task(draw(job, body, request, service)), caller)
    answer = await draw(job, body, request, service)
    if answer.error is not None:
        return refuse(answer, answer.error)
    return await respond(answer, ImagesResponse.of(answer, body, caller.base), service)


async def _streamed(drawing: asyncio.Task[KeptAnswer], caller: _Caller) -> Response:
    if not await is_over(drawing, caller.service.clock):
        return StreamingResponse(_told_late(drawing, caller), headers=HEADERS, media_type=MEDIA_TYPE)
    answer = await drawing
    if answer.error is not None:
        return refuse(answer, answer.error)
    events = b"".join([told async for told in _completed(answer, caller)])
    return Response(events, headers={**HEADERS, **facts(answer)}, media_type=MEDIA_TYPE)


async def _completed(answer: KeptAnswer, caller: _Caller) -> AsyncIterator[bytes]:
    """An event a picture."""
    for image in answer.images:
        shell = CompletedEvent.of(answer, image, caller.body, caller.base)
        yield event(shell.type, await render(shell, [image], caller.service.images))


async def _told_late(drawing: asyncio.Task[KeptAnswer], caller: _Caller) -> AsyncIterator[bytes]:
    """Comments while the pictures are drawn, so that nobody hangs up; then a picture an event, or the error."""
    # A client that leaves takes this generator with it, and then nobody asks how the drawing went.
    drawing.add_done_callback(lambda done: done.cancelled() or done.exception())
    async for ping in pings(drawing, caller.service.clock):
        yield ping
    try:
        answer = drawing.result()
        if answer.error is not None:
            yield error_event(ErrorEnvelope(error=answer.error.detail, routing=answer.routing))
            return
        async for told in _completed(answer, caller):
            yield told
    except ServiceError as error:
        yield error_event(envelope(error))
    except Exception as error:
        # The status has been said already. Whoever reads on learns of it, and the log gets the rest.
        log_crash(error)
        yield error_event(envelope(crash()))
