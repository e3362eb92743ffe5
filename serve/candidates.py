"""Which models may draw a request: each place of a route is judged, taken or thrown out, and the reason is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from serve.catalog import Catalog, Model
from serve.constraints import Constraints, Health
from serve.cost import estimate_usd
from serve.fitting import find_refusal, fit
from serve.image_request import ImageRequest
from serve.lifecycle import is_dead, resolve

Cause = Literal["dead", "repeated", "unable", "denied", "over_budget", "too_slow", "no_key", "breaker_open"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A logical model that was considered; `row` is what will be called, None when it was thrown out.

    Attributes:
        cause: what threw it out, in a word. A taken one has a cause only as the last resort: "breaker_open".
        cost_usd: what this very request costs there, by the catalogue, in US dollars; None when it was thrown out.
        p50_ms: the row's measured median in milliseconds, None where too little was measured.
    """

    model: str
    taken: bool
    reason: str
    row: Model | None
    cause: Cause | None = None
    cost_usd: float | None = None
    p50_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A model's place on a route, before anybody asked whether it can be called."""

    model: str
    why: str


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a place cannot be taken; `param` and `advice` are for a caller who named the model."""

    cause: Cause
    reason: str
    param: str = "model"
    advice: str = "Name another model, or leave `model` out."


@dataclass(frozen=True, slots=True)
class Scene:
    """What every candidate is judged against. `needs` are abilities, "text" or "transparent".

    `desperate` takes what the breaker holds.
    """

    constraints: Constraints
    catalog: Catalog
    health: Health
    today: date
    needs: frozenset[str] = frozenset()
    desperate: bool = False


def judge_all(places: Sequence[Place], scene: Scene) -> tuple[Candidate, ...]:
    """The places as candidates, in their order.

    If only open breakers are left, those are taken rather than nothing. A transparent picture is drawn by models that
    can; where none can, by those that answer with an opaque one and say so.
    """
    if scene.constraints.request.background == "transparent" and "transparent" not in scene.needs:
        candidates = judge_all(places, replace(scene, needs=scene.needs | {"transparent"}))
        if any(candidate.taken for candidate in candidates):
            return candidates
    candidates = _judge_in_order(places, scene)
    if any(candidate.taken for candidate in candidates) or scene.desperate:
        return candidates
    return _judge_in_order(places, replace(scene, desperate=True))


def judge(place: Place, answered: Mapping[str, str], scene: Scene) -> tuple[Candidate, Objection | None]:
    """One place as a candidate. `answered` maps rows that are on the route to the logical models they answer for."""
    health, named = scene.health, scene.catalog.models[place.model]
    row = resolve(place.model, scene.catalog, scene.today, health.overridden, health.gone)
    if row is None:
        dead = Objection("dead", f"{_end(named, scene)}, and no successor of it is alive")
        return Candidate(place.model, False, dead.reason, None, dead.cause), dead
    objection, note = _object(place, row, answered, scene), _life_note(named, row, scene)
    if objection is not None:
        return Candidate(place.model, False, objection.reason + note, None, objection.cause), objection
    opened = row.name in health.open
    taken = Candidate(
        model=place.model,
        taken=True,
        reason=place.why + note + ("; its circuit breaker is open, and nothing else is left" if opened else ""),
        row=row,
        cause="breaker_open" if opened else None,
        cost_usd=estimate(scene.constraints.request, row, scene.today),
        p50_ms=health.p50_ms.get(row.name),
    )
    return taken, None


def estimate(request: ImageRequest, row: Model, today: date) -> float:
    """What `row` asks for the whole request on this day, in US dollars; the row must be able to draw it."""
    wire, _ = fit(request, row)
    # A row that draws fewer at once is called more often, for as many pictures.
    return estimate_usd(row, wire if wire.n == request.n else replace(wire, n=request.n), today)


def _judge_in_order(places: Sequence[Place], scene: Scene) -> tuple[Candidate, ...]:
    candidates: list[Candidate] = []
    for place in places:
        answered = {other.row.name: other.model for other in candidates if other.row is not None}
        candidates.append(judge(place, answered, scene)[0])
    return tuple(candidates)


def _object(place: Place, row: Model, answered: Mapping[str, str], scene: Scene) -> Objection | None:
    if row.name in answered:
        return Objection("repeated", f"the same model as {answered[row.name]}, which is on the route already")
    return _object_to_request(row, scene) or _object_by_wish(place, row, scene) or _object_to_state(row, scene)


def _object_to_request(row: Model, scene: Scene) -> Objection | None:
    if (refused := find_refusal(scene.constraints.request, row)) is not None:
        advice = f"Change `{refused.param}`, name another model, or leave `model` out."
        return Objection("unable", refused.reason, refused.param, advice)
    if "text" in scene.needs and not row.text:
        return Objection("unable", "draws no legible text")
    if "transparent" in scene.needs and not row.transparent:
        return Objection("unable", "draws no transparent background", "background")
    return None


def _object_by_wish(place: Place, row: Model, scene: Scene) -> Objection | None:
    wishes, request = scene.constraints.wishes, scene.constraints.request
    names = {place.model, row.name, row.provider}
    if denied := sorted(names & wishes.deny):
        return Objection("denied", f"the caller denies {denied[0]}", "deny", "Change `deny` or `model`.")
    if wishes.allow is not None and not names & wishes.allow:
        return Objection("denied", "not among what the caller allows", "allow", "Change `allow` or `model`.")
    if wishes.max_cost is not None and (cost := estimate(request, row, scene.today)) > wishes.max_cost:
        reason = f"costs about {cost:g} US dollars, over max_cost {wishes.max_cost:g}"
        return Objection("over_budget", reason, "max_cost", "Raise `max_cost`, or ask for less.")
    median = scene.health.p50_ms.get(row.name)
    if wishes.deadline_ms is not None and median is not None and median > wishes.deadline_ms:
        reason = f"usually takes {median:.0f} ms, over deadline_ms {wishes.deadline_ms}"
        return Objection("too_slow", reason, "deadline_ms", "Raise `deadline_ms`, or name another model.")
    return None


def _object_to_state(row: Model, scene: Scene) -> Objection | None:
    if row.provider not in scene.health.keyed:
        key = scene.catalog.provider_of(row).key_env
        return Objection("no_key", f"no {key}", advice=f"Set {key}, name another model, or leave `model` out.")
    if row.name in scene.health.open and not scene.desperate:
        return Objection("breaker_open", "its circuit breaker is open: it failed too often just now")
    return None


def _end(named: Model, scene: Scene) -> str:
    if is_dead(named, scene.today):
        return "shut down" if named.shutdown_date is None else f"shut down {named.shutdown_date}"
    return "gone at its vendor"


def _life_note(named: Model, row: Model, scene: Scene) -> str:
    if row is not named:
        return f"; {_end(named, scene)}, answered by {row.name}"
    return f"; {_end(named, scene)}, still served here" if is_dead(named, scene.today) else ""
