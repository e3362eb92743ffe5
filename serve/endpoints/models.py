"""`GET /v1/models`: the names that callers may use, and what would be called for each of them today."""

from __future__ import annotations

from fastapi import APIRouter

from serve.catalog import Model
from serve.constraints import Health
from serve.endpoints.errors_doc import ERRORS
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.intake import AUTO
from serve.lifecycle import resolve
from serve.openai_wishes import find_model, unknown_model
from serve.policy import Constraints, choose_route
from serve.schemas import ModelEntry, ModelList
from serve.service import Service, ServiceDep

# What no model has a reason to refuse: only the model's own state decides.
_PLAIN = ImageRequest(prompt="a circle")
router = APIRouter(tags=["OpenAI"], responses=ERRORS)


@router.get("/v1/models", summary="List the models")
async def list_models(service: ServiceDep) -> ModelList:
    """First "auto", which routes by the prompt's intent. A retired model's name keeps working through its successor."""
    entries = _entries(service)
    return ModelList(data=[_auto(entries), *entries])


# A name may hold a slash.
@router.get("/v1/models/{model:path}", summary="Look at one model")
async def retrieve_model(model: str, service: ServiceDep) -> ModelEntry:
    """By the name in the list, or by its vendor's id: `dall-e-3` is `dalle-3-std` here."""
    if model == AUTO:
        return _auto(_entries(service))
    if (name := find_model(model, service.catalog)) is None:
        raise unknown_model(model)
    return _entry(service.catalog.models[name], service, _health(service))


def _entries(service: Service) -> list[ModelEntry]:
    health = _health(service)
    return [_entry(model, service, health) for model in service.catalog.models.values()]


def _health(service: Service) -> Health:
    return service.vitals.health(service.targets)


def _auto(entries: list[ModelEntry]) -> ModelEntry:
    available = any(entry.available for entry in entries)
    reason = None if available else "no model can be called"
    return ModelEntry(id=AUTO, owned_by="prompt-intent", status="active", available=available, reason=reason)


def _entry(model: Model, service: Service, health: Health) -> ModelEntry:
    row = resolve(model.name, service.catalog, service.clock.today(), health.overridden, health.gone)
    reason = _obstacle(model, service, health)
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


def _obstacle(model: Model, service: Service, health: Health) -> str | None:
    """Why the policy would refuse a request that names this model, None when it would take it."""
    constraints = Constraints(_PLAIN, model=model.name)
    try:
        choose_route(None, constraints, service.catalog, health, service.clock.today())
    except InvalidRequestError as error:
        return str(error)
    return None
