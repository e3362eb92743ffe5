"""`POST /v1/classify`: what prompts want, without drawing anything."""

from __future__ import annotations

from fastapi import APIRouter

from serve.endpoints.errors_doc import ERRORS
from serve.intake import read_prompts
from serve.schemas import ClassifyBody, ClassifyResponse, Decision
from serve.service import ServiceDep

router = APIRouter(tags=["prompts"], responses=ERRORS)


@router.post("/v1/classify", summary="Classify one prompt or many")
async def classify(body: ClassifyBody, service: ServiceDep) -> ClassifyResponse:
    """The intent of each prompt with its calibrated probability; `abstained` when that is under the threshold."""
    prompts = read_prompts(body, service.settings)
    version = service.classification.version or ""
    if body.explain:
        explained = await service.classification.explain(prompts)
        data = [Decision.of(explanation.prediction, explanation) for explanation in explained]
    else:
        data = [Decision.of(prediction) for prediction in await service.classification.predict(prompts)]
    return ClassifyResponse(data=data, model_version=version)
