"""`POST /v1/feedback`, `GET /v1/stats` and `GET /v1/ledger`: what callers think, and what the traffic comes to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request

from classifier import parse_intent
from serve.endpoints.errors_doc import ERRORS
from serve.errors import InvalidRequestError
from serve.gateway_schemas import FeedbackBody, StatsResponse
from serve.ledger_schemas import LedgerList
from serve.reception import caller_of
from serve.service import Service, ServiceDep
from serve.store import FeedbackRecord

_Hours = Annotated[float | None, Query(gt=0, le=876_000, description="Only what came in the last so many.")]
_Limit = Annotated[int, Query(ge=1, le=10_000, description="How many calls at most.")]
router = APIRouter(tags=["operation"], responses=ERRORS)


@router.post("/v1/feedback", summary="Say how a picture is liked", status_code=204)
async def give_feedback(body: FeedbackBody, request: Request, service: ServiceDep) -> None:
    """A thumb, the right intent, or both, for a picture or for a whole answer."""
    if (body.image_id is None) == (body.request_id is None):
        raise InvalidRequestError("give exactly one of image_id and request_id", param="image_id")
    if body.thumb is None and body.right_intent is None and body.comment is None:
        raise InvalidRequestError("give a thumb, a right_intent or a comment", param="thumb")
    await service.store.feedback(
        FeedbackRecord(
            created=service.clock.now(),
            caller=caller_of(request),
            image_id=body.image_id,
            request_id=body.request_id,
            thumb=None if body.thumb is None else (1 if body.thumb == "up" else -1),
            right_intent=_intent(body.right_intent, service),
            comment=body.comment,
        )
    )


@router.get("/v1/stats", summary="Figures of the traffic")
async def read_stats(
    service: ServiceDep,
    hours: _Hours = None,
) -> StatsResponse:
    """Latency, errors by cause, spend and satisfaction per model and intent; previews in time; breakers and queues.

    A service on its sandbox counts its sandbox's traffic, one with keys only what vendors were asked.
    """
    stats = await service.store.stats(_since(hours, service), service.targets.sandbox)
    breakers = {row: asdict(state) for row, state in service.vitals.breakers.states().items()}
    lanes = {provider: asdict(state) for provider, state in service.vitals.limiter.states().items()}
    return StatsResponse.of(stats, breakers, lanes, asdict(service.classification.recalled))


@router.get("/v1/ledger", summary="Every call and its bill")
async def read_ledger(service: ServiceDep, hours: _Hours = None, limit: _Limit = 100) -> LedgerList:
    """The calls to models, the newest first: whose request, how it ended, whether it was billed and for how much.

    A call is in here before its vendor hears of it. As in `/v1/stats`, it is the sandbox's calls or the vendors'.
    """
    entries = await service.store.ledger(limit, _since(hours, service), service.targets.sandbox)
    return LedgerList.of(entries)


def _since(hours: float | None, service: Service) -> float | None:
    return None if hours is None else service.clock.now() - hours * 3600


def _intent(name: str | None, service: Service) -> str | None:
    if name is None:
        return None
    try:
        return parse_intent(name, tuple(service.catalog.routes.intents))
    except ValueError as error:
        raise InvalidRequestError(str(error), param="right_intent") from error
