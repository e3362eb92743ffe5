"""What a body in OpenAI's words asks of this service: its names for models, and fields that have no meaning here."""

from __future__ import annotations

from classifier import parse_intent
from serve.catalog import Catalog
from serve.errors import InvalidRequestError, NotFoundError
from serve.gateway_schemas import ImagesBody
from serve.intake import AUTO, read_job
from serve.job import Job
from serve.lifecycle import find_model
from serve.settings import Settings

# Each with the values that ask for nothing.
_DROPPED: dict[str, tuple[object, ...]] = {
    "moderation": (None, "auto"),
    "output_compression": (None, 100),
    "style": (None,),
    "complexity": (None,),
}
_DEARER = ("xhigh", "max")


def read_images_job(body: ImagesBody, settings: Settings, catalog: Catalog) -> Job:
    """The job that a body asks for, with a warning for every field that nobody is asked for.

    Raises:
        InvalidRequestError: see `read_job`; or `model` and `intent` name different intents.
        NotFoundError: `model` names neither a model nor an intent.
    """
    model, intent = _named(body, catalog)
    plain = body.model_copy(
        update={
            "model": model,
            "intent": intent,
            "quality": "high" if body.quality in _DEARER else body.quality,
            "user": body.safety_identifier or body.user,
        }
    )
    return read_job(plain, settings, _warnings(body))


def find_intent(name: str, catalog: Catalog) -> str | None:
    """The intent that goes by this name; None where it has no route."""
    try:
        return parse_intent(name, tuple(catalog.routes.intents))
    except ValueError:
        return None


def unknown_model(name: str) -> NotFoundError:
    """The error for a model that nobody knows, as OpenAI's clients expect it."""
    return NotFoundError(f"no model {name!r} here: GET /v1/models has the names", param="model", code="model_not_found")


def _named(body: ImagesBody, catalog: Catalog) -> tuple[str | None, str | None]:
    """The model and the intent that a body names: `model` may hold either."""
    if body.model is None or body.model == AUTO:
        return None, body.intent
    if (model := find_model(body.model, catalog)) is not None:
        return model, body.intent
    if (intent := find_intent(body.model, catalog)) is None:
        raise unknown_model(body.model)
    if body.intent is not None and find_intent(body.intent, catalog) != intent:
        message = f"model asks for the intent {intent}, intent for another one: give one of them"
        raise InvalidRequestError(message, param="intent")
    return None, intent


def _warnings(body: ImagesBody) -> tuple[str, ...]:
    told = [
        f"{field} dropped: this service has no such setting"
        for field, nothing in _DROPPED.items()
        if getattr(body, field) not in nothing
    ]
    if body.quality in _DEARER:
        told.append(f"quality {body.quality!r} is asked for as 'high'")
    if body.stream and body.partial_images:
        told.append("partial_images dropped: only whole pictures are sent")
    return tuple(told)
