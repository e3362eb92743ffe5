"""`POST /v1/route`: who would draw a prompt, why and for how much. Calls no vendor and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from classifier import Prediction
from serve.constraints import Constraints
from serve.endpoints.errors_doc import ERRORS
from serve.intake import read_job, read_prompts
from serve.job import Job
from serve.policy import abstains, choose_route
from serve.route_schemas import RouteBody, RouteDecision, RouteResponse
from serve.schemas import ClassifyBody
from serve.service import Service, ServiceDep

router = APIRouter(tags=["prompts"], responses=ERRORS)


@router.post("/v1/route", summary="Decide without drawing")
async def decide(body: RouteBody, service: ServiceDep) -> RouteResponse:
    """The decision that `/v1/generate` would make on the same body, for one prompt or many; nothing is drawn or billed.

    Every model that was considered is told, taken or thrown out, with the reason, and what those taken would cost.
    """
    prompts = read_prompts(ClassifyBody(prompt=body.prompt, prompts=body.prompts), service.settings)
    jobs = [read_job(body.model_copy(update={"prompt": prompt}), service.settings) for prompt in prompts]
    health, today = service.vitals.health(service.targets), service.clock.today()
    decisions = []
    for job, prediction in zip(jobs, await _predictions(jobs, service), strict=True):
        constraints = Constraints(job.request, job.model, job.intent, wishes=job.wishes)
        route = choose_route(prediction, constraints, service.catalog, health, today)
        unsure = None if prediction is None else abstains(prediction, constraints, service.catalog)
        decisions.append(RouteDecision.of(job.request, prediction, unsure, route))
    return RouteResponse(
        data=decisions, classifier_version=service.classification.version, sandbox=service.targets.sandbox
    )


async def _predictions(jobs: Sequence[Job], service: Service) -> Sequence[Prediction | None]:
    """What the classifier says, unless the caller chose a model or an intent for all of them."""
    if any(job.model is not None or job.intent is not None for job in jobs):
        return [None] * len(jobs)
    return await service.classification.predict([job.request.prompt for job in jobs])
