"""Which models answer a prompt, in which order and why: one pure function of data, `choose_route`.

What the prompt says is the classifier's business. Here only its prediction counts: "4k" in a prompt changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from classifier import Prediction, parse_intent
from serve.catalog import Catalog, Model, Routes
from serve.errors import InvalidRequestError
from serve.fitting import find_refusal
from serve.image_request import ImageRequest
from serve.lifecycle import is_dead, resolve

_EXPORT_QUALITIES = frozenset({"high", "hd"})


@dataclass(frozen=True, slots=True)
class Health:
    """Which providers have a key, and which have their host overridden. In the sandbox every provider is in both."""

    keyed: frozenset[str]
    overridden: frozenset[str]


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the caller insists on. `abstain_below` goes before `routes.toml`'s override and the bundle's threshold."""

    request: ImageRequest
    model: str | None = None
    intent: str | None = None
    abstain_below: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A logical model that was considered; `row` is what will be called, None when it was thrown out."""

    model: str
    taken: bool
    reason: str
    row: Model | None


@dataclass(frozen=True, slots=True)
class Route:
    """Every model considered, in order, each with its reason; `intent` is None when nothing was classified or asked."""

    intent: str | None
    reason: str
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...]

    @property
    def taken(self) -> list[Candidate]:
        """The candidates to try, best first; empty when nothing can answer."""
        return [candidate for candidate in self.candidates if candidate.taken]


@dataclass(frozen=True, slots=True)
class _Place:
    """A model's place on a route, before anybody asked whether it can be called."""

    model: str
    why: str


@dataclass(frozen=True, slots=True)
class _Objection:
    """Why a place cannot be taken; `param` and `advice` are for a caller who named the model."""

    reason: str
    param: str = "model"
    advice: str = "Name another model, or leave `model` out."


@dataclass(frozen=True, slots=True)
class _Reading:
    """The intent to route by; not `sure` puts the default model first."""

    intent: str | None
    reason: str
    sure: bool


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every candidate is judged against."""

    request: ImageRequest
    catalog: Catalog
    health: Health
    today: date


def choose_route(
    prediction: Prediction | None, constraints: Constraints, catalog: Catalog, health: Health, today: date
) -> Route:
    """The models to try for a prompt, best first, each with the reason that took it or threw it out.

    A caller's model is the only candidate, a caller's intent goes before the prediction; a prediction that abstains (or
    none at all) puts the default model first.

    Raises:
        InvalidRequestError: the caller's model is unknown or cannot be called, or the caller's intent has no route.
    """
    reading = _read(prediction, constraints, catalog)
    scene = _Scene(constraints.request, catalog, health, today)
    if constraints.model is not None:
        return _named_route(constraints.model, constraints, reading, scene)
    places = _places(reading, constraints.request, catalog.routes)
    return Route(reading.intent, reading.reason, _judge_all(places, scene), ())


def abstains(prediction: Prediction, constraints: Constraints, catalog: Catalog) -> bool:
    """Whether the prediction is too unsure to act on: by the request's threshold, else the routes', else its own."""
    below = catalog.routes.abstain_below if constraints.abstain_below is None else constraints.abstain_below
    return prediction.abstained if below is None else prediction.confidence < below


def _read(prediction: Prediction | None, constraints: Constraints, catalog: Catalog) -> _Reading:
    if constraints.intent is not None:
        asked = _parse_asked(constraints.intent, catalog.routes)
        return _Reading(asked, f"the caller asked for the intent {asked}", sure=True)
    if prediction is None:
        return _Reading(None, "nothing was classified", sure=False)
    intent, seen = prediction.intent, f"{prediction.intent} ({prediction.confidence:.2f})"
    if abstains(prediction, constraints, catalog):
        return _Reading(intent, f"the classifier is unsure, its best guess is {seen}", sure=False)
    if intent not in catalog.routes.intents:
        return _Reading(intent, f"classified as {seen}, which has no route", sure=False)
    return _Reading(intent, f"classified as {seen}", sure=True)


def _parse_asked(name: str, routes: Routes) -> str:
    try:
        return parse_intent(name, tuple(routes.intents))
    except ValueError as error:
        raise InvalidRequestError(str(error), param="intent") from error


def _places(reading: _Reading, request: ImageRequest, routes: Routes) -> list[_Place]:
    places = _own_places(reading.intent, request, routes)
    if reading.sure:
        places.append(_Place(routes.default, "default model, the last resort"))
    else:
        places.insert(0, _Place(routes.default, f"default model: {reading.reason}"))
    first_of_a_name = {place.model: place for place in reversed(places)}
    return [place for place in places if first_of_a_name[place.model] is place]


def _own_places(intent: str | None, request: ImageRequest, routes: Routes) -> list[_Place]:
    route = None if intent is None else routes.intents.get(intent)
    if route is None:
        return []
    places = [_Place(name, f"next choice for {intent}") for name in route.models]
    places[0] = _Place(route.models[0], f"first choice for {intent}")
    if route.export is not None and request.quality in _EXPORT_QUALITIES:
        places.insert(0, _Place(route.export, f"export model of {intent}, for quality {request.quality}"))
    return places


def _judge_all(places: Sequence[_Place], scene: _Scene) -> tuple[Candidate, ...]:
    candidates: list[Candidate] = []
    for place in places:
        answered = {other.row.name: other.model for other in candidates if other.row is not None}
        candidates.append(_judge(place, answered, scene)[0])
    return tuple(candidates)


def _judge(place: _Place, answered: Mapping[str, str], scene: _Scene) -> tuple[Candidate, _Objection | None]:
    """`answered` maps the rows already on the route to the logical models they answer for."""
    row = resolve(place.model, scene.catalog, scene.today, scene.health.overridden)
    named = scene.catalog.models[place.model]
    if row is None:
        dead = _Objection(f"shut down {named.shutdown_date}, and no successor of it is alive")
        return Candidate(place.model, False, dead.reason, None), dead
    objection = _object(row, answered, scene)
    reason = (place.why if objection is None else objection.reason) + _life_note(named, row, scene.today)
    return Candidate(place.model, objection is None, reason, row if objection is None else None), objection


def _object(row: Model, answered: Mapping[str, str], scene: _Scene) -> _Objection | None:
    if row.name in answered:
        return _Objection(f"the same model as {answered[row.name]}, which is on the route already")
    if row.provider not in scene.health.keyed:
        key = scene.catalog.provider_of(row).key_env
        return _Objection(f"no {key}", advice=f"Set {key}, name another model, or leave `model` out.")
    if (refused := find_refusal(scene.request, row)) is not None:
        advice = f"Change `{refused.param}`, name another model, or leave `model` out."
        return _Objection(refused.reason, refused.param, advice)
    return None


def _life_note(named: Model, row: Model, today: date) -> str:
    if not is_dead(named, today):
        return ""
    instead = "still served here" if row is named else f"answered by {row.name}"
    return f"; shut down {named.shutdown_date}, {instead}"


def _named_route(name: str, constraints: Constraints, reading: _Reading, scene: _Scene) -> Route:
    if name not in scene.catalog.models:
        known = ", ".join(scene.catalog.models)
        raise InvalidRequestError(f"no model {name!r} here: name one of {known}", param="model", code="model_not_found")
    reason = f"the caller asked for the model {name}"
    candidate, objection = _judge(_Place(name, reason), {}, scene)
    if objection is not None:
        message = f"model {name!r} cannot answer: {candidate.reason}. {objection.advice}"
        raise InvalidRequestError(message, param=objection.param)
    return Route(reading.intent, reason, (candidate,), _named_warnings(candidate, constraints))


def _named_warnings(candidate: Candidate, constraints: Constraints) -> tuple[str, ...]:
    warnings = []
    if candidate.row is not None and candidate.row.name != candidate.model:
        warnings.append(f"{candidate.model} is shut down: {candidate.row.name} answers for it")
    if constraints.intent is not None:
        warnings.append("intent has no effect beside model: the model was named")
    return tuple(warnings)
