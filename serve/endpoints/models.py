"""`GET /v1/models`: the names that callers may use, and what would be called for each of them today."""

from __future__ import annotations

from fastapi import APIRouter

from serve.catalog import Model
from serve.endpoints.errors_doc import ERRORS
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.lifecycle import resolve
from serve.policy import Constraints, choose_route
from serve.schemas import ModelEntry, ModelList
from serve.service import Service, ServiceDep

# What no model has a reason to refuse: only the model's own state decides.
_PLAIN = ImageRequest(prompt="a circle")
router = APIRouter(tags=["models"], responses=ERRORS)


@router.get("/v1/models", summary="List the models")
async def list_models(service: ServiceDep) -> ModelList:
    """First "auto", which routes by the prompt's intent. A retired model's name keeps working through its successor."""
    entries = [_entry(model, service) for model in service.catalog.models.values()]
    available = any(entry.available for entry in entries)
    reason = None if available else "no model can be called"
    auto = ModelEntry(id="auto", owned_by="prompt-intent", status="active", available=available, reason=reason)
    return ModelList(data=[auto, *entries])


def _entry(model: Model, service: Service) -> ModelEntry:
    row = resolve(model.name, service.catalog, service.clock.today(), service.targets.health().overridden)
    reason = _obstacle(model, service)
    return ModelEntry(
        id=model.name,
        owned_by=model.provider,
        status=model.status,
        shutdown_date=model.shutdown_date.isoformat() if model.shutdown_date else None,
        successor=model.successor,
        vendor_model=row.vendor_model if row else None,
        available=reason is None,
        reason=reason,
    )


def _obstacle(model: Model, service: Service) -> str | None:
    """Why the policy would refuse a request that names this model, None when it would take it."""
    constraints = Constraints(_PLAIN, model=model.name)
    try:
        choose_route(None, constraints, service.catalog, service.targets.health(), service.clock.today())
    except InvalidRequestError as error:
        return str(error)
    return None
