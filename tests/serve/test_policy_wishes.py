"""The caller's wishes, one by one, over a small catalogue: what they throw out, how they order, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from serve.catalog import Catalog, IntentRoute, Model, Routes, load_catalog
from serve.errors import InvalidRequestError, NotReadyError
from serve.image_request import ImageRequest
from serve.policy import Candidate, Constraints, Health, Route, Wishes, choose_route, unanswerable

SHIPPED = load_catalog()
TODAY = date(2026, 11, 22)
ALL = frozenset({"google", "openai", "ideogram"})


def row(name: str, provider: str, usd: float, **changes: object) -> Model:
    """A row whose pictures cost `usd`, whatever their shape and quality."""
    plain = {"name": name, "provider": provider, "price": {"default": usd}, "price_changes": [], "successor": None}
    return SHIPPED.models["gpt-image-2.5-flare"].model_copy(update=plain | changes)


# From the best to the cheapest; `mute` writes no letters.
ROWS = [row("best", "openai", 0.08), row("fair", "google", 0.04), row("cheap", "ideogram", 0.01)]
MUTE = row("mute", "google", 0.001, text=False)
ROUTES = Routes(
    default="mute",
    intents={
        "preview": IntentRoute(models=["best", "fair", "cheap"], export="fair", target_ms=3_000),
        "text_heavy": IntentRoute(models=["best", "mute"], needs=["text"]),
    },
)
CATALOG = Catalog(providers=SHIPPED.providers, models={row.name: row for row in [*ROWS, MUTE]}, routes=ROUTES)
HELD = "its circuit breaker is open: it failed too often just now"
MEASURED = {"best": 9_000.0, "fair": 2_000.0, "cheap": 4_000.0}


def route(
    intent: str = "preview",
    *,
    n: int = 1,
    quality: Any = "auto",
    keyed: frozenset[str] = ALL,
    opened: frozenset[str] = frozenset(),
    gone: frozenset[str] = frozenset(),
    p50_ms: dict[str, float] | None = None,
    **wishes: Any,
) -> Route:
    """The route of one fox for a caller with these wishes."""
    constraints = Constraints(ImageRequest("a fox", n=n, quality=quality), intent=intent, wishes=Wishes(**wishes))
    health = Health(keyed, frozenset(), gone, opened, p50_ms or {})
    return choose_route(None, constraints, CATALOG, health, TODAY)


def order(chosen: Route) -> list[str]:
    """The models to try, in order."""
    return [candidate.model for candidate in chosen.taken]


def told(chosen: Route, model: str) -> Candidate:
    """What the route says of a model."""
    return next(candidate for candidate in chosen.candidates if candidate.model == model)


@pytest.mark.parametrize(
    ("wishes", "model", "cause", "reason"),
    [
        ({"max_cost": 0.05}, "best", "over_budget", "costs about 0.08 US dollars, over max_cost 0.05"),
        ({"max_cost": 0.15, "n": 2}, "best", "over_budget", "costs about 0.16 US dollars, over max_cost 0.15"),
        ({"max_cost": 0}, "cheap", "over_budget", "costs about 0.01 US dollars, over max_cost 0"),
        ({"deadline_ms": 8_999}, "best", "too_slow", "usually takes 9000 ms, over deadline_ms 8999"),
        ({"deny": frozenset({"openai"})}, "best", "denied", "the caller denies openai"),
        ({"deny": frozenset({"best"})}, "best", "denied", "the caller denies best"),
        ({"allow": frozenset({"google", "cheap"})}, "best", "denied", "not among what the caller allows"),
        ({"allow": frozenset()}, "fair", "denied", "not among what the caller allows"),
        ({"opened": frozenset({"best"})}, "best", "breaker_open", HELD),
        ({"gone": frozenset({"best"})}, "best", "dead", "gone at its vendor, and no successor of it is alive"),
        ({"intent": "text_heavy"}, "mute", "unable", "draws no legible text"),
    ],
)  # fmt: skip
def test_what_a_wish_throws_out(wishes: dict[str, Any], model: str, cause: str, reason: str) -> None:
    """The candidate is not taken, has no row and no price, and says why."""
    thrown = told(route(p50_ms=MEASURED, **wishes), model)
    assert (thrown.taken, thrown.row, thrown.cost_usd) == (False, None, None)
    assert (thrown.cause, thrown.reason) == (cause, reason)


@pytest.mark.parametrize(
    "wishes",
    [
        {"max_cost": 0.08},
        {"max_cost": 0.24, "n": 3},
        {"deadline_ms": 9_000},
        {"allow": frozenset({"openai"})},
        {"allow": frozenset({"best", "mute"})},
        {"deny": frozenset({"google"})},
    ],
)
def test_what_just_meets_a_wish_is_taken(wishes: dict[str, Any]) -> None:
    """Limits are inclusive: what costs exactly the budget, or takes exactly the deadline, may answer."""
    assert "best" in order(route(p50_ms=MEASURED, **wishes))


def test_what_is_not_measured_is_within_every_deadline() -> None:
    """Nobody is thrown out for what is not known."""
    assert order(route(deadline_ms=1)) == ["best", "fair", "cheap", "mute"]


def test_a_candidate_tells_its_price_and_its_median() -> None:
    """The estimate is for all pictures of this request; the median is there where it was measured."""
    best, fair = (told(route(n=3, p50_ms={"best": 9_000.0}), name) for name in ("best", "fair"))
    assert (best.cost_usd, best.p50_ms) == (0.24, 9_000.0)
    assert (fair.cost_usd, fair.p50_ms) == (0.12, None)


@pytest.mark.parametrize(
    ("optimize", "p50_ms", "expected"),
    [
        (None, {}, ["best", "fair", "cheap", "mute"]),
        ({}, {}, ["best", "fair", "cheap", "mute"]),
        ({"quality": 1}, {}, ["best", "fair", "cheap", "mute"]),
        ({"cost": 1}, {}, ["mute", "cheap", "fair", "best"]),
        ({"cost": 0, "speed": 0}, {}, ["best", "fair", "cheap", "mute"]),
        # Nobody measured: speed says nothing. Ranks tie on quality plus cost, and the route decides.
        ({"speed": 1}, {}, ["best", "fair", "cheap", "mute"]),
        ({"quality": 1, "cost": 1}, {}, ["best", "fair", "cheap", "mute"]),
        ({"quality": 1, "cost": 1.1}, {}, ["mute", "cheap", "fair", "best"]),
        # The unmeasured `mute` counts as 2,000, the median of 1,000, 2,000 and 2,900.
        ({"speed": 1}, {"best": 2_900.0, "fair": 2_000.0, "cheap": 1_000.0}, ["cheap", "fair", "mute", "best"]),
        ({"speed": 1, "quality": 2}, {"best": 2_900.0, "fair": 9.0, "cheap": 9.0}, ["fair", "best", "cheap", "mute"]),
    ],
)  # fmt: skip
def test_weights_order_the_candidates(
    optimize: dict[str, float] | None, p50_ms: dict[str, float], expected: list[str]
) -> None:
    """A weighted sum of ranks, smallest first, ties by the route."""
    assert order(route(optimize=optimize, p50_ms=p50_ms)) == expected


def test_weights_are_explained() -> None:
    """Each candidate says its number and what it was ranked by."""
    assert told(route(optimize={"cost": 1, "speed": 0.5}), "best").reason == (
        "first choice for preview; number 4 of 4 by speed and cost"
    )


def test_models_over_the_target_rank_behind_and_say_so() -> None:
    """Measured above 3,000 ms goes behind measured below and not measured, whatever the weights."""
    assert order(route(p50_ms=MEASURED)) == ["fair", "mute", "best", "cheap"]
    assert order(route(p50_ms=MEASURED, optimize={"cost": 1})) == ["mute", "fair", "cheap", "best"]
    assert order(route(p50_ms={"best": 3_000.0})) == ["best", "fair", "cheap", "mute"]
    assert told(route(p50_ms=MEASURED), "best").reason == (
        "first choice for preview; behind those within 3000 ms: it usually takes 9000 ms"
    )


def test_the_target_is_for_previews_not_for_final_pictures() -> None:
    """Who asks for the export model has time."""
    assert order(route(quality="high", p50_ms={"fair": 9_000.0})) == ["fair", "best", "cheap", "mute"]


def test_if_only_open_breakers_are_left_they_are_tried() -> None:
    """Rather than nothing; each says that it is the last resort, and the other limits still hold."""
    everyone = frozenset(CATALOG.models)
    chosen = route(opened=everyone, max_cost=0.05)
    assert order(chosen) == ["fair", "cheap", "mute"]
    assert {candidate.cause for candidate in chosen.taken} == {"breaker_open"}
    assert told(chosen, "fair").reason == (
        "next choice for preview; its circuit breaker is open, and nothing else is left"
    )


@pytest.mark.parametrize(
    ("wishes", "error", "param", "code"),
    [
        ({"keyed": frozenset()}, NotReadyError, None, "not_ready"),
        ({"gone": frozenset(CATALOG.models)}, NotReadyError, None, "not_ready"),
        ({"max_cost": 0}, InvalidRequestError, "max_cost", "over_budget"),
        ({"deadline_ms": 1, "p50_ms": dict.fromkeys(CATALOG.models, 9.0)}, InvalidRequestError, "deadline_ms", None),
        ({"allow": frozenset()}, InvalidRequestError, None, None),
        ({"keyed": frozenset({"openai"}), "max_cost": 0.01}, NotReadyError, None, None),
    ],
)
def test_nothing_left_has_an_error_that_says_whose_turn_it_is(
    wishes: dict[str, Any], error: type[Exception], param: str | None, code: str | None
) -> None:
    """A missing key is the operator's to set, a budget the caller's to raise; all reasons are told."""
    chosen = route(**wishes)
    assert order(chosen) == []
    failure = unanswerable(chosen)
    assert type(failure) is error
    assert failure.param == param
    assert code in (None, failure.code)
    assert all(candidate.reason in str(failure) for candidate in chosen.candidates)


@pytest.mark.parametrize(
    ("wishes", "param", "said"),
    [
        ({"optimize": {"beauty": 1}}, "optimize", "no 'beauty' to optimize: weigh quality, speed, cost"),
        ({"optimize": {"cost": -1}}, "optimize", "the weight of cost is a number of 0 or more"),
        ({"optimize": {"cost": float("inf")}}, "optimize", "the weight of cost"),
        ({"optimize": {"cost": float("nan")}}, "optimize", "the weight of cost"),
        ({"max_cost": -0.01}, "max_cost", "in US dollars, 0 or more"),
        ({"max_cost": float("nan")}, "max_cost", "in US dollars, 0 or more"),
        ({"deadline_ms": 0}, "deadline_ms", "in milliseconds, 1 or more"),
        ({"deny": frozenset({"openia"})}, "deny", "no model or provider 'openia' here: name some of best, fair"),
        ({"allow": frozenset({"Best"})}, "allow", "no model or provider 'Best' here"),
    ],
)
def test_a_wish_that_means_nothing_is_refused(wishes: dict[str, Any], param: str, said: str) -> None:
    """A misspelt wish is an error that names the field, not a picture that ignores it."""
    with pytest.raises(InvalidRequestError) as refused:
        route(**wishes)
    assert refused.value.param == param
    assert said in str(refused.value)
