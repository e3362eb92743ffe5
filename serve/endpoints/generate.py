"""`POST /v1/generate`: classify, route, draw, and answer with the pictures and the whole decision."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from serve.endpoints.errors_doc import ERRORS
from serve.error_handlers import answer
from serve.intake import read_job
from serve.job import Job, run
from serve.pictures import Picture
from serve.schemas import GenerateBody, GenerateResponse, ImageEntry, Routing
from serve.service import Service, ServiceDep

MODEL_HEADER = "x-prompt-intent-model"
router = APIRouter(tags=["pictures"], responses=ERRORS)


@router.post("/v1/generate", summary="Generate pictures", response_model=GenerateResponse)
async def generate(
    body: GenerateBody, request: Request, response: Response, service: ServiceDep
) -> GenerateResponse | Response:
    """Draw with the model that the prompt's intent calls for, or with the model or for the intent that you name.

    `routing` says what was decided and why, every model that was tried, and the cost in US dollars.
    """
    job = await run(read_job(body, service.settings), service.steps)
    routing = Routing.of(job, classifier_version=service.classification.version, sandbox=service.targets.sandbox)
    request.state.log = {"model": routing.model, "outcomes": [attempt.outcome for attempt in job.attempts]}
    if job.failure is not None:
        return answer(job.failure, routing)
    response.headers[MODEL_HEADER] = routing.model or ""
    entries = await _entries(job, body.response_format == "b64_json", _images_base(request, service))
    return GenerateResponse(created=int(service.clock.now()), data=entries, routing=routing)


def _images_base(request: Request, service: Service) -> str:
    # The Host header has passed the guard: it can only be one of our own names.
    return f"{service.settings.public_url or str(request.base_url).rstrip('/')}/v1/images"


async def _entries(job: Job, inline: bool, base: str) -> list[ImageEntry]:
    encoded = await anyio.to_thread.run_sync(_encode, job.pictures) if inline else [None] * len(job.pictures)
    return [
        ImageEntry(
            id=image_id,
            url=None if inline else f"{base}/{image_id}",
            b64_json=data,
            revised_prompt=picture.revised_prompt,
            seed=picture.seed,
        )
        for image_id, picture, data in zip(job.image_ids, job.pictures, encoded, strict=True)
    ]


def _encode(pictures: Sequence[Picture]) -> list[str]:
    return [base64.b64encode(picture.data).decode("ascii") for picture in pictures]
