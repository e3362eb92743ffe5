"""`GET /v1/models`: the names that callers may use, and what would be called for each of them today."""

from __future__ import annotations

from fastapi import APIRouter

from serve.catalog import Model
from serve.constraints import Health
from serve.endpoints.errors_doc import ERRORS
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.intake import AUTO
from serve.lifecycle import find_model, resolve
from serve.openai_wishes import find_intent, unknown_model
from serve.policy import Constraints, choose_route, unanswerable
from serve.schemas import ModelEntry, ModelList
from serve.service import Service, ServiceDep

# What no model has a reason to refuse: only the model's own state decides.
_PLAIN = ImageRequest(prompt="a circle")
router = APIRouter(tags=["OpenAI"], responses=ERRORS)


@router.get("/v1/models", summary="List the models")
async def list_models(service: ServiceDep) -> ModelList:
    """First "auto", which routes by the prompt's intent, then the intents, which `model` may name where OpenAI's does.

    A retired model's name keeps working through its successor.
    """
    health, catalog = _health(service), service.catalog
    intents = [_intent_entry(name, service, health) for name in catalog.routes.intents]
    models = [_entry(model, service, health) for model in catalog.models.values()]
    return ModelList(data=[_auto(service, health), *intents, *models])


# A name may hold a slash.
@router.get("/v1/models/{model:path}", summary="Look at one model")
async def retrieve_model(model: str, service: ServiceDep) -> ModelEntry:
    """By the name in the list, or by its vendor's id: `dall-e-3` is `dalle-3-std` here."""
    health = _health(service)
    if model == AUTO:
        return _auto(service, health)
    if (name := find_model(model, service.catalog)) is not None:
        return _entry(service.catalog.models[name], service, health)
    if (intent := find_intent(model, service.catalog)) is not None:
        return _intent_entry(intent, service, health)
    raise unknown_model(model)


def _health(service: Service) -> Health:
    return service.vitals.health(service.targets)


def _auto(service: Service, health: Health) -> ModelEntry:
    """Any intent may come out of the classifier: it is available with the first of them that is."""
    if service.classification.problem is not None:
        return _own_entry(AUTO, f"no classifier: {service.classification.problem}")
    obstacles = [_route_obstacle(name, service, health) for name in service.catalog.routes.intents]
    return _own_entry(AUTO, "no model can be called" if all(obstacles) else None)


def _intent_entry(name: str, service: Service, health: Health) -> ModelEntry:
    return _own_entry(name, _route_obstacle(name, service, health))


def _own_entry(name: str, reason: str | None) -> ModelEntry:
    """A name of ours, behind which there are several models."""
    return ModelEntry(id=name, owned_by="prompt-intent", status="active", available=reason is None, reason=reason)


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


def _route_obstacle(intent: str, service: Service, health: Health) -> str | None:
    """Why no model of the intent's route can draw, None when one can."""
    route = choose_route(None, Constraints(_PLAIN, intent=intent), service.catalog, health, service.clock.today())
    return None if route.taken else str(unanswerable(route))
