"""Which models answer a prompt, in which order and why: one pure function of data, `choose_route`.

What the prompt says is the classifier's business. Here only its prediction counts: "4k" in a prompt changes nothing.
`candidates` judges each model, `ranking` orders those that are taken, `constraints` holds what both are judged by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from classifier import Prediction, parse_intent
from serve.candidates import Candidate, Cause, Place, Scene, judge, judge_all
from serve.catalog import Catalog, IntentRoute, Routes
from serve.constraints import Constraints, Health, Wishes, check_wishes
from serve.errors import InvalidRequestError, NotReadyError, ServiceError
from serve.image_request import ImageRequest
from serve.lifecycle import find_model
from serve.ranking import rank

__all__ = ["Candidate", "Constraints", "Health", "Route", "Wishes", "abstains", "choose_route", "unanswerable"]

_EXPORT_QUALITIES = frozenset({"high", "hd"})
# What an operator could change, so that the request would be answered.
_OURS: frozenset[Cause | None] = frozenset({"no_key", "breaker_open"})
_DEAD: frozenset[Cause | None] = frozenset({"dead"})


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
class _Reading:
    """The intent to route by; not `sure` puts the default model first."""

    intent: str | None
    reason: str
    sure: bool


def choose_route(
    prediction: Prediction | None, constraints: Constraints, catalog: Catalog, health: Health, today: date
) -> Route:
    """The models to try for a prompt, best first, each with the reason that took it or threw it out.

    A caller's model is the only candidate, a caller's intent goes before the prediction; a prediction that abstains (or
    none at all) puts the default model first.

    Raises:
        InvalidRequestError: the caller's model is unknown or cannot be called, the caller's intent has no route, or a
            wish means nothing.
    """
    reading = _read(prediction, constraints, catalog)
    check_wishes(constraints.wishes, catalog)
    if constraints.model is not None:
        scene = Scene(constraints, catalog, health, today, desperate=True)
        return _named_route(constraints.model, reading, scene)
    # In doubt the intent is a guess: its models are tried, its demands are not made.
    own = catalog.routes.intents.get(reading.intent or "") if reading.sure else None
    scene = Scene(constraints, catalog, health, today, needs=frozenset(own.needs if own else ()))
    candidates = judge_all(_places(reading, constraints.request, catalog.routes), scene)
    target = own.target_ms if own and not _exports(own, constraints.request) else None
    return Route(reading.intent, reading.reason, rank(candidates, constraints.wishes.optimize, target), ())


def abstains(prediction: Prediction, constraints: Constraints, catalog: Catalog) -> bool:
    """Whether the prediction is too unsure to act on: by the request's threshold, else the routes', else its own."""
    below = catalog.routes.abstain_below if constraints.abstain_below is None else constraints.abstain_below
    return prediction.abstained if below is None else prediction.confidence < below


def unanswerable(route: Route) -> ServiceError:
    """The error for a route without a taken candidate: the operator's fault (503), or the caller's (400)."""
    reasons = "; ".join(f"{candidate.model}: {candidate.reason}" for candidate in route.candidates)
    causes = {candidate.cause for candidate in route.candidates}
    if causes & _OURS or causes <= _DEAD:
        return NotReadyError(f"no model can be called: {reasons}")
    if "over_budget" in causes:
        message = f"no model can draw this within max_cost: {reasons}"
        return InvalidRequestError(message, param="max_cost", code="over_budget")
    if "too_slow" in causes:
        return InvalidRequestError(f"no model can draw this within deadline_ms: {reasons}", param="deadline_ms")
    return InvalidRequestError(f"no model can draw this: {reasons}")


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


def _places(reading: _Reading, request: ImageRequest, routes: Routes) -> list[Place]:
    places = _own_places(reading.intent, request, routes)
    if reading.sure:
        places.append(Place(routes.default, "default model, the last resort"))
    else:
        places.insert(0, Place(routes.default, f"default model: {reading.reason}"))
    first_of_a_name = {place.model: place for place in reversed(places)}
    return [place for place in places if first_of_a_name[place.model] is place]


def _own_places(intent: str | None, request: ImageRequest, routes: Routes) -> list[Place]:
    route = None if intent is None else routes.intents.get(intent)
    if route is None:
        return []
    places = [Place(name, f"next choice for {intent}") for name in route.models]
    places[0] = Place(route.models[0], f"first choice for {intent}")
    if route.export is not None and _exports(route, request):
        places.insert(0, Place(route.export, f"export model of {intent}, for quality {request.quality}"))
    return places


def _exports(route: IntentRoute, request: ImageRequest) -> bool:
    """Whether the final picture is asked for, which may take its time."""
    return route.export is not None and request.quality in _EXPORT_QUALITIES


def _named_route(asked: str, reading: _Reading, scene: Scene) -> Route:
    if (name := find_model(asked, scene.catalog)) is None:
        known = ", ".join(scene.catalog.models)
        message = f"no model {asked!r} here: name one of {known}"
        raise InvalidRequestError(message, param="model", code="model_not_found")
    reason = f"the caller asked for the model {name}"
    candidate, objection = judge(Place(name, reason), {}, scene)
    if objection is not None:
        code = "over_budget" if objection.cause == "over_budget" else None
        message = f"model {name!r} cannot answer: {candidate.reason}. {objection.advice}"
        raise InvalidRequestError(message, param=objection.param, code=code)
    return Route(reading.intent, reason, (candidate,), _named_warnings(candidate, scene))


def _named_warnings(candidate: Candidate, scene: Scene) -> tuple[str, ...]:
    warnings = []
    if candidate.row is not None and candidate.row.name != candidate.model:
        gone = "gone at its vendor" if candidate.model in scene.health.gone else "shut down"
        warnings.append(f"{candidate.model} is {gone}: {candidate.row.name} answers for it")
    if scene.constraints.intent is not None:
        warnings.append("intent has no effect beside model: the model was named")
    if scene.constraints.wishes.optimize:
        warnings.append("optimize has no effect beside model: the model was named")
    return tuple(warnings)
