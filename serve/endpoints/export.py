"""`POST /v1/images/{id}/export`: the final picture of an accepted preview, by the model that is made for it."""

from __future__ import annotations

import json
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from serve.answers import KeptAnswer
from serve.endpoints.errors_doc import ERRORS
from serve.endpoints.generate import tell
from serve.errors import NotFoundError
from serve.gateway_schemas import ExportBody
from serve.image_request import ImageRequest
from serve.intake import AUTO, read_shape
from serve.job import Job
from serve.reception import KEYED, draw, refuse
from serve.schemas import GenerateResponse
from serve.service import Service, ServiceDep
from serve.store import ImageRecord

_PREVIEW = "preview"
router = APIRouter(tags=["pictures"], responses=ERRORS)


@router.post(
    "/v1/images/{image_id}/export",
    summary="Render the final picture",
    response_model=GenerateResponse,
    openapi_extra=KEYED,
)
async def export(image_id: str, request: Request, service: ServiceDep, body: ExportBody | None = None) -> Response:
    """The same request again, in high quality, by the export model of its intent. The answer's picture is linked to it.

    It is a new picture of the same prompt: no model draws the preview's very own composition twice. The answer warns
    where it has no more pixels than the preview.
    """
    wanted = body or ExportBody()
    record = await service.store.image(image_id)
    if record is None:
        raise NotFoundError("no image has this id")
    answer = await draw(_job(record, wanted, service), wanted, request, service)
    if answer.error is not None:
        return refuse(answer, answer.error)
    return await tell(_warned(answer, record), wanted.response_format == "b64_json", request, service)


def _job(record: ImageRecord, wanted: ExportBody, service: Service) -> Job:
    """One picture, for one was accepted. An intent that no longer has a route exports as a preview does."""
    asked = ImageRequest(**json.loads(record.request))
    size, ratio = read_shape(wanted.size, wanted.aspect_ratio)
    if size is None and ratio is None:
        size, ratio = asked.size, asked.aspect_ratio
    final = replace(
        asked,
        n=1,
        quality="high",
        size=size,
        aspect_ratio=None if size else ratio,
        output_format=wanted.output_format or asked.output_format,
        # Who asks for a jpeg after a transparent preview has changed their mind.
        background=None if wanted.output_format == "jpeg" else asked.background,
    )
    model = None if wanted.model == AUTO else wanted.model
    intent = record.intent if record.intent in service.catalog.routes.intents else _PREVIEW
    return Job(
        final,
        model=model,
        intent=intent if model is None else None,
        parent_id=record.id,
        wishes=wanted.wishes(),
    )


def _warned(answer: KeptAnswer, parent: ImageRecord) -> KeptAnswer:
    """Said when it is told, not when it is drawn: neither picture changes, so an equal request hears the same."""
    # A vendor may draw more than it was asked for.
    final = max(answer.images, key=lambda image: image.width * image.height)
    if final.width * final.height > parent.width * parent.height:
        return answer
    drawn = f"{answer.routing.model} draws {final.width}x{final.height}"
    warnings = [*answer.routing.warnings, f"the export has no more pixels than its parent: {drawn}"]
    return answer.model_copy(update={"routing": answer.routing.model_copy(update={"warnings": warnings})})
