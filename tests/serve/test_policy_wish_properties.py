"""What holds for every caller with wishes, whatever the models' state: limits are kept, and order is no accident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from serve.candidates import estimate
from serve.errors import InvalidRequestError
from serve.fitting import refusal
from serve.lifecycle import is_dead, resolve
from serve.policy import Candidate, Health, Route, Wishes
from tests.serve.route_cases import HARD_CASES, PARTIES, PATIENT, TODAY, WEIGHTS, Case

Value = TypeVar("Value")


def backwards(table: Mapping[str, Value]) -> dict[str, Value]:
    """The same table, written the other way round."""
    return dict(reversed(list(table.items())))


def called(route: Route) -> set[str]:
    """The rows that the route would call, but for those that are there because only open breakers were left."""
    return {candidate.row.name for candidate in route.taken if candidate.row and candidate.cause is None}


def with_wishes(case: Case, wishes: Wishes) -> Case:
    """The same case for a caller with these wishes."""
    return case._replace(constraints=replace(case.constraints, wishes=wishes))


def keeps(candidate: Candidate, case: Case) -> bool:
    """Whether the row that is taken satisfies the request, the state of the world and every wish."""
    row, wishes, health, request = candidate.row, case.constraints.wishes, case.health, case.constraints.request
    if row is None:
        return False
    names = {candidate.model, row.name, row.provider}
    return (
        row is resolve(candidate.model, case.catalog, TODAY, health.overridden, health.gone)
        and row.name not in health.gone
        and (not is_dead(row, TODAY) or row.provider in health.overridden)
        and row.provider in health.keyed
        and refusal(request, row) is None
        and not names & wishes.deny
        and (wishes.allow is None or bool(names & wishes.allow))
        and (wishes.max_cost is None or estimate(request, row, TODAY) <= wishes.max_cost)
        and (wishes.deadline_ms is None or health.p50_ms.get(row.name, 0.0) <= wishes.deadline_ms)
    )


@PATIENT
@given(case=HARD_CASES)
def test_every_candidate_taken_satisfies_every_constraint(case: Case) -> None:
    """Alive, keyed, able, allowed, within budget and deadline; its estimate and its median are told with it."""
    for candidate in case.route().taken:
        assert keeps(candidate, case)
        assert candidate.row is not None
        assert candidate.cost_usd == estimate(case.constraints.request, candidate.row, TODAY)
        assert candidate.p50_ms == case.health.p50_ms.get(candidate.row.name)


@PATIENT
@given(case=HARD_CASES)
def test_an_open_breaker_is_taken_only_where_nothing_else_is(case: Case) -> None:
    """Either no open row is taken, or all rows that are taken are open; and then each says so."""
    taken = case.route().taken
    opened = [candidate for candidate in taken if candidate.row and candidate.row.name in case.health.open]
    assert opened in ([], taken)
    assert [candidate.cause for candidate in taken] == ["breaker_open" if opened else None] * len(taken)


def grounds(cause: str | None, name: str, route: Route, case: Case) -> bool:
    """Whether the cause that threw `name` out is true."""
    row = resolve(name, case.catalog, TODAY, case.health.overridden, case.health.gone)
    if row is None:
        return cause == "dead"
    wishes, request, median = case.constraints.wishes, case.constraints.request, case.health.p50_ms.get(row.name)
    names = {name, row.name, row.provider}
    if refusal(request, row) is not None:
        return cause in ("unable", "repeated")
    return {
        "repeated": row in [candidate.row for candidate in route.taken],
        "unable": not row.text,
        "denied": bool(names & wishes.deny) or (wishes.allow is not None and not names & wishes.allow),
        "over_budget": wishes.max_cost is not None and estimate(request, row, TODAY) > wishes.max_cost,
        "too_slow": wishes.deadline_ms is not None and median is not None and median > wishes.deadline_ms,
        "no_key": row.provider not in case.health.keyed,
        "breaker_open": row.name in case.health.open,
    }[cause or ""]


@PATIENT
@given(case=HARD_CASES)
def test_nothing_is_thrown_out_for_nothing(case: Case) -> None:
    """The cause given for each model that is thrown out is true, and in words beside it."""
    chosen = case.route()
    for candidate in chosen.candidates:
        assert candidate.reason
        assert candidate.taken or grounds(candidate.cause, candidate.model, chosen, case)


@PATIENT
@given(case=HARD_CASES)
def test_the_order_never_depends_on_the_order_of_a_table(case: Case) -> None:
    """Catalogue, routes, medians and weights written the other way round give the same route."""
    routes = case.catalog.routes.model_copy(update={"intents": backwards(case.catalog.routes.intents)})
    tables = {"models": backwards(case.catalog.models), "providers": backwards(case.catalog.providers)}
    wishes = case.constraints.wishes
    turned = case._replace(
        catalog=case.catalog.model_copy(update={"routes": routes, **tables}),
        health=replace(case.health, p50_ms=backwards(case.health.p50_ms)),
        constraints=replace(
            case.constraints,
            wishes=replace(wishes, optimize=None if wishes.optimize is None else backwards(wishes.optimize)),
        ),
    )
    assert turned.route() == case.route()


@PATIENT
@given(case=HARD_CASES, more=PARTIES)
def test_denying_more_never_adds_a_model(case: Case, more: frozenset[str]) -> None:
    """A longer `deny` calls no row that a shorter one does not."""
    wishes = case.constraints.wishes
    tighter = with_wishes(case, replace(wishes, deny=wishes.deny | more))
    assert called(tighter.route()) <= called(case.route())


@PATIENT
@given(case=HARD_CASES, fewer=PARTIES)
def test_allowing_fewer_never_adds_a_model(case: Case, fewer: frozenset[str]) -> None:
    """A shorter `allow` calls no row that a longer one, or none at all, does not."""
    allow = case.constraints.wishes.allow
    tighter = replace(case.constraints.wishes, allow=fewer if allow is None else allow & fewer)
    assert called(with_wishes(case, tighter).route()) <= called(case.route())


@PATIENT
@given(case=HARD_CASES, less=st.sampled_from([0.0, 0.005, 0.01, 0.02, 0.03]))
def test_a_smaller_budget_never_adds_a_model(case: Case, less: float) -> None:
    """A lower `max_cost` calls no row that a higher one, or none at all, does not."""
    budget = case.constraints.wishes.max_cost
    tighter = replace(case.constraints.wishes, max_cost=less if budget is None else min(less, budget))
    assert called(with_wishes(case, tighter).route()) <= called(case.route())


@PATIENT
@given(case=HARD_CASES, optimize=WEIGHTS)
def test_weights_choose_the_order_and_nothing_else(case: Case, optimize: dict[str, float]) -> None:
    """Whatever is optimized, the same rows are taken; weights of quality alone keep the order."""
    plain = with_wishes(case, replace(case.constraints.wishes, optimize=None)).route()
    weighed = with_wishes(case, replace(case.constraints.wishes, optimize=optimize)).route()
    order = [candidate.model for candidate in weighed.taken]
    assert called(weighed) == called(plain)
    if not (optimize.get("speed") or optimize.get("cost")):
        assert order == [candidate.model for candidate in plain.taken]


@PATIENT
@given(case=HARD_CASES, scale=st.sampled_from([1e-300, 0.5, 7.0, 1e300]), optimize=WEIGHTS)
def test_only_the_ratio_of_the_weights_counts(case: Case, scale: float, optimize: dict[str, float]) -> None:
    """Weights times a number give the same order."""
    scaled = {name: weight * scale for name, weight in optimize.items()}
    routes = [with_wishes(case, replace(case.constraints.wishes, optimize=o)).route() for o in (optimize, scaled)]
    assert routes[0] == routes[1]


@PATIENT
@given(case=HARD_CASES)
def test_models_over_the_target_rank_behind(case: Case) -> None:
    """Where an intent is known and no export asked for, none measured above its target is tried before any other."""
    chosen = case.route()
    sure = "default model: " not in " ".join(candidate.reason for candidate in chosen.candidates)
    own = case.catalog.routes.intents.get(chosen.intent or "")
    exported = own is not None and own.export and case.constraints.request.quality in ("high", "hd")
    if not sure or own is None or own.target_ms is None or exported:
        return
    target = own.target_ms
    late = [candidate.p50_ms is not None and candidate.p50_ms > target for candidate in chosen.taken]
    assert late == sorted(late)


@PATIENT
@given(case=HARD_CASES)
def test_a_callers_model_is_not_moved_by_weights_or_breakers(case: Case) -> None:
    """With `model`, an open breaker and `optimize` change neither the row nor whether it is taken."""
    free = Health(case.health.keyed, case.health.overridden, case.health.gone)
    for name in case.catalog.models:
        named = case._replace(constraints=replace(case.constraints, model=name, wishes=Wishes()))
        weighed = with_wishes(named, Wishes(optimize={"cost": 1.0}))
        calm = _rows(named._replace(health=free))
        assert calm == _rows(named) == _rows(weighed)


def _rows(case: Case) -> list[str] | None:
    try:
        return [candidate.row.name for candidate in case.route().taken if candidate.row]
    except InvalidRequestError:
        return None
