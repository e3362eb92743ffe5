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
    predictions = await service.classification.predict(read_prompts(body, service.settings))
    version = service.classification.version or ""
    return ClassifyResponse(data=[Decision.of(prediction) for prediction in predictions], model_version=version)
