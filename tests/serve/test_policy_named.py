"""A model that the caller names, over the shipped catalogue: called, answered for, or refused; never replaced."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from classifier import Prediction
from serve.catalog import Catalog, load_catalog
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.policy import Constraints, Health, Route, Wishes, choose_route

CATALOG = load_catalog()
TODAY = date(2026, 11, 22)
ALL = frozenset(CATALOG.providers)
LIVE = Health(keyed=ALL, overridden=frozenset())
SANDBOX = Health(keyed=ALL, overridden=ALL)
SURE = Prediction("preview", 0.99, {"preview": 0.99}, False, ood=50.0)


def named(
    name: str,
    request: ImageRequest | None = None,
    health: Health = LIVE,
    catalog: Catalog = CATALOG,
    intent: str | None = None,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
) -> Route:
    """The route of a caller who names a model, whatever the classifier is sure of."""
    constraints = Constraints(request or ImageRequest("a fox"), model=name, intent=intent, wishes=wishes)
    return choose_route(SURE, constraints, catalog, health, TODAY)


@pytest.mark.parametrize("name", CATALOG.models)
def test_in_the_sandbox_every_name_is_its_own_answer(name: str) -> None:
    """The named row is the only candidate, dead upstream or not, and there is nothing to warn of."""
    chosen = named(name, health=SANDBOX)
    assert [(candidate.model, candidate.row) for candidate in chosen.taken] == [(name, CATALOG.models[name])]
    assert len(chosen.candidates) == 1
    assert chosen.warnings == ()


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("imagen-4-fast", "gemini-3.1-flash-lite-image"),
        ("imagen-4", "gemini-nano-banana-2.1"),
        ("dalle-3-std", "gpt-image-2.5-sunburst"),
    ],
)
def test_a_dead_name_is_answered_by_its_successor_and_says_so(name: str, answers: str) -> None:
    """The logical name goes on working; reason and warning say who answers."""
    chosen = named(name)
    (candidate,) = chosen.candidates
    assert candidate.row is CATALOG.models[answers]
    assert candidate.reason.endswith(f"shut down {CATALOG.models[name].shutdown_date}, answered by {answers}")
    assert chosen.warnings == (f"{name} is shut down: {answers} answers for it",)


def test_a_gone_name_is_answered_by_its_successor_and_says_so() -> None:
    """A living model that answered "gone" is passed over, also at an overridden host."""
    chosen = named("ideogram-v2", health=replace(SANDBOX, gone=frozenset({"ideogram-v2"})))
    (candidate,) = chosen.taken
    assert candidate.row is CATALOG.models["ideogram-2"]
    assert candidate.reason.endswith("; gone at its vendor, answered by ideogram-2")
    assert chosen.warnings == ("ideogram-v2 is gone at its vendor: ideogram-2 answers for it",)


def test_optimize_beside_a_model_is_reported() -> None:
    """Weights move nothing where there is nothing to choose, and the caller is told."""
    wishes = Wishes(optimize={"cost": 1.0})
    assert named("ideogram-v2", wishes=wishes).warnings == ("optimize has no effect beside model: the model was named",)
    assert named("ideogram-v2", wishes=wishes).candidates == named("ideogram-v2").candidates


def test_an_open_breaker_does_not_replace_a_name() -> None:
    """The named model stays the only candidate, and its reason says in which state it is."""
    (candidate,) = named("ideogram-v2", health=replace(LIVE, open=frozenset({"ideogram-v2"}))).taken
    assert (candidate.model, candidate.cause) == ("ideogram-v2", "breaker_open")
    assert candidate.reason.endswith("its circuit breaker is open, and nothing else is left")


@pytest.mark.parametrize(
    ("wishes", "param", "code", "said"),
    [
        (Wishes(max_cost=0.079), "max_cost", "over_budget", "costs about 0.08 US dollars, over max_cost 0.079"),
        (Wishes(deadline_ms=4_999), "deadline_ms", "invalid_value", "usually takes 5000 ms, over deadline_ms 4999"),
        (Wishes(deny=frozenset({"ideogram"})), "deny", "invalid_value", "the caller denies ideogram"),
        (Wishes(allow=frozenset({"openai"})), "allow", "invalid_value", "not among what the caller allows"),
    ],
)
def test_a_name_that_breaks_a_wish_is_refused(wishes: Wishes, param: str, code: str, said: str) -> None:
    """No other model is taken instead: the error names the wish that forbids the caller's own choice."""
    slow = replace(LIVE, p50_ms={"ideogram-v2": 5_000.0})
    with pytest.raises(InvalidRequestError) as refused:
        named("ideogram-v2", health=slow, wishes=wishes)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert str(refused.value).startswith(f"model 'ideogram-v2' cannot answer: {said}. ")


def test_an_intent_beside_a_model_is_reported() -> None:
    """Who names both is told that only one of them chooses."""
    chosen = named("ideogram-v2", intent="TEXT_HEAVY")
    assert chosen.intent == "text_heavy"
    assert [candidate.model for candidate in chosen.taken] == ["ideogram-v2"]
    assert chosen.warnings == ("intent has no effect beside model: the model was named",)


@pytest.mark.parametrize("name", ["dall-e-9", "", "IMAGEN-4"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    """The error lists every name that would work."""
    with pytest.raises(InvalidRequestError) as refused:
        named(name)
    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")
    assert str(refused.value) == f"no model {name!r} here: name one of {', '.join(CATALOG.models)}"


def test_a_name_without_a_key_is_refused() -> None:
    """The error names the variable to set; the other models that could draw are not taken instead."""
    keyed = Health(keyed=ALL - {"ideogram"}, overridden=frozenset())
    with pytest.raises(InvalidRequestError) as refused:
        named("ideogram-v2", health=keyed)
    assert refused.value.param == "model"
    assert str(refused.value) == (
        "model 'ideogram-v2' cannot answer: no IDEOGRAM_API_KEY. "
        "Set IDEOGRAM_API_KEY, name another model, or leave `model` out."
    )


def test_a_name_draws_more_pictures_than_one_call_does() -> None:
    """Who asks for more than a call's limit gets more calls, not a refusal."""
    (candidate,) = named("imagen-4-fast", ImageRequest("a fox", n=2)).taken
    (one,) = named("imagen-4-fast").taken
    assert candidate.row is CATALOG.models["gemini-3.1-flash-lite-image"]
    assert candidate.cost_usd == pytest.approx(2 * (one.cost_usd or 0))


def test_a_name_that_cannot_read_so_much_is_refused() -> None:
    """The error names the field at fault, the limit, and the successor whose limit it is."""
    with pytest.raises(InvalidRequestError) as refused:
        named("dalle-3-std", ImageRequest("x" * 32_001))
    assert (refused.value.param, refused.value.status) == ("prompt", 400)
    assert str(refused.value) == (
        "model 'dalle-3-std' cannot answer: reads at most 32000 characters, the prompt has 32001; "
        "shut down 2026-05-12, answered by gpt-image-2.5-sunburst. "
        "Change `prompt`, name another model, or leave `model` out."
    )
    with pytest.raises(InvalidRequestError, match="reads at most 4000 characters"):
        named("dalle-3-std", ImageRequest("x" * 4001), SANDBOX)


def test_a_dead_name_without_successor_is_refused() -> None:
    """The error gives the date, and says what to do."""
    alone = CATALOG.models["dalle-3-std"].model_copy(update={"successor": None})
    catalog = CATALOG.model_copy(update={"models": CATALOG.models | {"dalle-3-std": alone}})
    with pytest.raises(InvalidRequestError) as refused:
        named("dalle-3-std", catalog=catalog)
    assert str(refused.value) == (
        "model 'dalle-3-std' cannot answer: shut down 2026-05-12, and no successor of it is alive. "
        "Name another model, or leave `model` out."
    )
