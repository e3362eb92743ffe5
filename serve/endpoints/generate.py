"""`POST /v1/generate`: classify, route, draw, and answer with the pictures and the whole decision."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from serve.answers import KeptAnswer, entries
from serve.endpoints.errors_doc import ERRORS
from serve.endpoints.quick import QuickRoute
from serve.intake import read_job
from serve.reception import KEYED, draw, images_base, refuse, respond
from serve.schemas import GenerateBody, GenerateResponse
from serve.service import Service, ServiceDep

router = APIRouter(tags=["pictures"], responses=ERRORS, route_class=QuickRoute)


@router.post("/v1/generate", summary="Generate pictures", response_model=GenerateResponse, openapi_extra=KEYED)
async def generate(body: GenerateBody, request: Request, service: ServiceDep) -> Response:
    """Draw with the model that the prompt's intent calls for, or with the model or for the intent that you name.

    `routing` says what was decided and why, every model that was tried, and the cost in US dollars. With an
    `Idempotency-Key` header an equal request gets the same answer for a day, and nothing is drawn twice.
    """
    answer = await draw(read_job(body, service.settings), body, request, service)
    if answer.error is not None:
        return refuse(answer, answer.error)
    return await tell(answer, body.response_format == "b64_json", request, service)


async def tell(answer: KeptAnswer, inline: bool, request: Request, service: Service) -> Response:
    """The answer in this endpoint's shape; `inline` puts the pictures' bytes into it.

    Raises:
        NotFoundError: a picture of a replayed answer is gone.
    """
    pictures = entries(answer, inline, images_base(request, service))
    shell = GenerateResponse(created=answer.created, data=pictures, routing=answer.routing)
    return await respond(answer, shell, service)
