"""What holds for every route, whatever the catalogue, the prediction, the caller and the day."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from serve.catalog import Model
from serve.errors import InvalidRequestError
from serve.fitting import refusal
from serve.lifecycle import is_dead, resolve
from serve.policy import Candidate, abstains
from tests.serve.route_cases import CASES, NAMES, PATIENT, TODAY, Case

STYLE = ["4k", "8K", "ultra detailed", "high quality", "HD", "quick draft", "logo", "imagen-4", "m1"]


def answer(candidate: Candidate, case: Case) -> Model | None:
    """The row that the lifecycle gives for a candidate's name."""
    return resolve(candidate.model, case.catalog, TODAY, case.health.overridden)


def able(row: Model, case: Case) -> bool:
    """Whether the row writes legibly, where the intent is known to need that."""
    route = case.catalog.routes.intents.get(case.constraints.intent or "")
    if route is None and case.prediction and not abstains(case.prediction, case.constraints, case.catalog):
        route = case.catalog.routes.intents.get(case.prediction.intent)
    return row.text or route is None or not route.needs


@PATIENT
@given(case=CASES)
def test_whatever_is_taken_can_be_called(case: Case) -> None:
    """A row that is taken is alive or at an overridden host, has a key, and can draw the request."""
    for candidate in case.route().taken:
        row = candidate.row
        assert row is not None
        assert row is answer(candidate, case)
        assert not is_dead(row, TODAY) or row.provider in case.health.overridden
        assert row.provider in case.health.keyed
        assert refusal(case.constraints.request, row) is None
        assert able(row, case)


@PATIENT
@given(case=CASES)
def test_whatever_is_thrown_out_cannot_be_called(case: Case) -> None:
    """Nothing is thrown out for nothing: it is dead, without a key, unable, or on the route already."""
    taken: list[Model] = []
    for candidate in case.route().candidates:
        if candidate.row is not None:
            taken.append(candidate.row)
            continue
        row = answer(candidate, case)
        unable = row is None or refusal(case.constraints.request, row) is not None or not able(row, case)
        assert row is None or unable or row.provider not in case.health.keyed or row in taken


@PATIENT
@given(case=CASES)
def test_every_candidate_has_a_reason(case: Case) -> None:
    """The route, each model taken and each thrown out say why; only a taken one has a row."""
    chosen = case.route()
    assert chosen.reason
    for candidate in chosen.candidates:
        assert candidate.reason.strip(" ;")
        assert candidate.taken is (candidate.row is not None)


@PATIENT
@given(case=CASES)
def test_no_row_is_called_twice(case: Case) -> None:
    """Names are considered once, and two names with one answer are one call."""
    chosen = case.route()
    rows = [candidate.row.name for candidate in chosen.taken if candidate.row is not None]
    names = [candidate.model for candidate in chosen.candidates]
    assert len(rows) == len(set(rows))
    assert len(names) == len(set(names))


@PATIENT
@given(case=CASES)
def test_every_model_of_the_intent_and_the_default_are_considered(case: Case) -> None:
    """No automatic route forgets a model of its intent, nor the default, nor brings one that belongs to neither."""
    chosen = case.route()
    routes = case.catalog.routes
    own = None if chosen.intent is None else routes.intents.get(chosen.intent)
    listed = {routes.default, *(own.models if own else [])}
    exported = {own.export} if own and own.export else set()
    considered = {candidate.model for candidate in chosen.candidates}
    assert listed <= considered <= listed | exported
    if case.constraints.request.quality in ("high", "hd"):
        assert exported <= considered


@PATIENT
@given(case=CASES, name=st.sampled_from([*NAMES, "nobody"]))
def test_a_callers_model_is_never_replaced(case: Case, name: str) -> None:
    """It is the only candidate, and its own answer while it lives; what cannot be called is an error."""
    constraints = replace(case.constraints, model=name)
    try:
        chosen = case._replace(constraints=constraints).route()
    except InvalidRequestError as error:
        assert name in str(error)
        assert error.param in {"model", "prompt", "aspect_ratio"}
        return
    (candidate,) = chosen.candidates
    assert (candidate.model, candidate.taken) == (name, True)
    named = case.catalog.models[name]
    if not is_dead(named, TODAY) or named.provider in case.health.overridden:
        assert candidate.row is named
    else:
        assert candidate.row is answer(candidate, case)
        assert any(name in warning for warning in chosen.warnings)


@PATIENT
@given(case=CASES, words=st.lists(st.sampled_from(STYLE), min_size=1, max_size=5))
def test_the_words_of_the_prompt_never_choose(case: Case, words: list[str]) -> None:
    """With the same prediction, "4k" and its like change neither the models nor their reasons."""
    # Only the length of a prompt counts, so no row here reads two characters only or bills the prompt's tokens.
    plain_row = {"max_prompt_chars": 4000, "token_price": {}}
    models = {name: row.model_copy(update=plain_row) for name, row in case.catalog.models.items()}
    plain = case._replace(catalog=case.catalog.model_copy(update={"models": models}))
    request = plain.constraints.request
    styled = replace(plain.constraints, request=replace(request, prompt=", ".join([request.prompt, *words])))
    assert plain._replace(constraints=styled).route() == plain.route()


@PATIENT
@given(case=CASES)
def test_the_same_question_has_the_same_answer(case: Case) -> None:
    """A route depends on its arguments and on nothing else."""
    assert case.route() == case.route()


@PATIENT
@given(case=CASES)
def test_a_callers_intent_makes_the_prediction_irrelevant(case: Case) -> None:
    """Who names the intent gets its route, whatever the classifier thinks."""
    assume(case.constraints.intent is not None)
    chosen = case.route()
    assert chosen.intent == case.constraints.intent
    assert case._replace(prediction=None).route() == chosen
