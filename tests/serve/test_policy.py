"""The rules of the route, one by one, over a small catalogue of our own: a new row or route breaks none of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from classifier import Prediction
from serve.catalog import Catalog, IntentRoute, Model, Routes, load_catalog
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest
from serve.policy import Candidate, Constraints, Health, Route, abstains, choose_route

SHIPPED = load_catalog()
DAY = date(2026, 12, 1)
EVE = date(2026, 11, 30)
FOX = ImageRequest("a fox")


def row(name: str, provider: str = "google", **changes: object) -> Model:
    """A row that takes one prompt of up to 100 characters and up to four images, unless `changes` say otherwise."""
    plain = {"name": name, "provider": provider, "max_n": 4, "max_prompt_chars": 100, "successor": None}
    return SHIPPED.models["gpt-image-2.5-flare"].model_copy(update=plain | changes)


# `wise-old` dies on DAY and `wise` answers for it; `gone` is dead without anybody to answer.
ROWS = [
    row("quick"),
    row("final", max_n=2),
    row("sign", "ideogram"),
    row("wise-old", "openai", status="deprecated", shutdown_date=DAY, successor="wise"),
    row("wise", "openai", max_n=1, max_prompt_chars=60),
    row("gone", status="deprecated", shutdown_date=date(2026, 5, 12)),
]
ROUTES = Routes(
    default="wise-old",
    intents={
        "preview": IntentRoute(models=["quick", "sign"], export="final"),
        "text_heavy": IntentRoute(models=["sign", "wise", "quick"]),
        "complex_logic": IntentRoute(models=["wise-old", "gone", "wise"]),
    },
)
CATALOG = Catalog(providers=SHIPPED.providers, models={row.name: row for row in ROWS}, routes=ROUTES)
ALL = frozenset({"google", "openai", "ideogram"})
NOBODY: frozenset[str] = frozenset()


def seen(intent: str, confidence: float = 0.9, abstained: bool = False) -> Prediction:
    """A prediction whose other probabilities do not matter here."""
    return Prediction(intent, confidence, {intent: confidence}, abstained, ood=50.0)


def route(
    prediction: Prediction | None = None,
    *,
    catalog: Catalog = CATALOG,
    today: date = EVE,
    keyed: frozenset[str] = ALL,
    overridden: frozenset[str] = NOBODY,
    request: ImageRequest = FOX,
    model: str | None = None,
    intent: str | None = None,
    abstain_below: float | None = None,
) -> Route:
    """The route for one fox, with all keys set, nothing overridden, and every model but `gone` alive."""
    constraints = Constraints(request, model, intent, abstain_below)
    return choose_route(prediction, constraints, catalog, Health(keyed, overridden), today)


def line(candidate: Candidate) -> str:
    """One candidate in one line: + taken or - thrown out, the logical name, the row if it is another, the reason."""
    other = f" as {candidate.row.name}" if candidate.row and candidate.row.name != candidate.model else ""
    return f"{'+' if candidate.taken else '-'} {candidate.model}{other}: {candidate.reason}"


LAST = "+ wise-old: default model, the last resort"
SIGN = "first choice for text_heavy"
UNSURE = "default model: the classifier is unsure, its best guess is preview (0.30)"
GONE = "- gone: shut down 2026-05-12, and no successor of it is alive"
ON_ROUTE = "the same model as wise-old, which is on the route already"

# rule: what is given to `route`, what comes out
RULES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "the prediction's route, then the default": (
        {"prediction": seen("preview")},
        ["+ quick: first choice for preview", "+ sign: next choice for preview", LAST],
    ),
    "the default is not repeated": (
        {"prediction": seen("complex_logic")},
        ["+ wise-old: first choice for complex_logic", GONE, "+ wise: next choice for complex_logic"],
    ),
    "an abstention puts the default first": (
        {"prediction": seen("preview", 0.3, True)},
        [f"+ wise-old: {UNSURE}", "+ quick: first choice for preview", "+ sign: next choice for preview"],
    ),
    "nothing classified leaves the default alone": ({}, ["+ wise-old: default model: nothing was classified"]),
    "a label without a route leaves the default alone": (
        {"prediction": seen("logo")},
        ["+ wise-old: default model: classified as logo (0.90), which has no route"],
    ),
    "the caller's intent goes before the prediction": (
        {"prediction": seen("preview"), "intent": "text_heavy"},
        [f"+ sign: {SIGN}", "+ wise: next choice for text_heavy", "+ quick: next choice for text_heavy", LAST],
    ),
    "the caller's intent knows no doubt": (
        {"prediction": seen("text_heavy", 0.3, True), "intent": "preview"},
        ["+ quick: first choice for preview", "+ sign: next choice for preview", LAST],
    ),
    "high quality puts the export model first": (
        {"prediction": seen("preview"), "request": replace(FOX, quality="high")},
        [
            "+ final: export model of preview, for quality high",
            *("+ quick: first choice for preview", "+ sign: next choice for preview", LAST),
        ],
    ),
    "so does hd, also for a caller's intent": (
        {"intent": "preview", "request": replace(FOX, quality="hd")},
        [
            "+ final: export model of preview, for quality hd",
            *("+ quick: first choice for preview", "+ sign: next choice for preview", LAST),
        ],
    ),
    "in doubt the export model comes after the default": (
        {"prediction": seen("preview", 0.3, True), "request": replace(FOX, quality="high")},
        [
            *(f"+ wise-old: {UNSURE}", "+ final: export model of preview, for quality high"),
            *("+ quick: first choice for preview", "+ sign: next choice for preview"),
        ],
    ),
    "an intent without an export model is not changed by quality": (
        {"prediction": seen("text_heavy"), "request": replace(FOX, quality="high")},
        [f"+ sign: {SIGN}", "+ wise: next choice for text_heavy", "+ quick: next choice for text_heavy", LAST],
    ),
    "medium quality exports nothing": (
        {"prediction": seen("preview"), "request": replace(FOX, quality="medium")},
        ["+ quick: first choice for preview", "+ sign: next choice for preview", LAST],
    ),
    "a model without a key is thrown out": (
        {"prediction": seen("text_heavy"), "keyed": frozenset({"google"})},
        [
            *("- sign: no IDEOGRAM_API_KEY", "- wise: no OPENAI_API_KEY"),
            *("+ quick: next choice for text_heavy", "- wise-old: no OPENAI_API_KEY"),
        ],
    ),
    "an overridden host does not stand in for a key": (
        {"prediction": seen("preview"), "keyed": NOBODY, "overridden": ALL},
        ["- quick: no GEMINI_API_KEY", "- sign: no IDEOGRAM_API_KEY", "- wise-old: no OPENAI_API_KEY"],
    ),
    "a model that reads too little is thrown out": (
        {"prediction": seen("text_heavy"), "request": replace(FOX, prompt="x" * 61)},
        [
            *(f"+ sign: {SIGN}", "- wise: reads at most 60 characters, the prompt has 61"),
            *("+ quick: next choice for text_heavy", LAST),
        ],
    ),
    "more pictures than one call draws are no obstacle": (
        {"prediction": seen("text_heavy"), "request": replace(FOX, n=5)},
        [f"+ sign: {SIGN}", "+ wise: next choice for text_heavy", "+ quick: next choice for text_heavy", LAST],
    ),
    "a prompt too long for all leaves nothing": (
        {"request": replace(FOX, prompt="x" * 101)},
        ["- wise-old: reads at most 100 characters, the prompt has 101"],
    ),
    "a dead model is answered by its successor": (
        {"prediction": seen("preview"), "today": DAY},
        [
            *("+ quick: first choice for preview", "+ sign: next choice for preview"),
            "+ wise-old as wise: default model, the last resort; shut down 2026-12-01, answered by wise",
        ],
    ),
    "what a successor answers already is not asked twice": (
        {"prediction": seen("complex_logic"), "today": DAY},
        [
            "+ wise-old as wise: first choice for complex_logic; shut down 2026-12-01, answered by wise",
            *(GONE, f"- wise: {ON_ROUTE}"),
        ],
    ),
    "a successor is not asked what it answers already": (
        {"prediction": seen("text_heavy"), "today": DAY},
        [
            *(f"+ sign: {SIGN}", "+ wise: next choice for text_heavy", "+ quick: next choice for text_heavy"),
            "- wise-old: the same model as wise, which is on the route already; shut down 2026-12-01, answered by wise",
        ],
    ),
    "a successor must be able to": (
        {"today": DAY, "request": replace(FOX, prompt="x" * 61)},
        ["- wise-old: reads at most 60 characters, the prompt has 61; shut down 2026-12-01, answered by wise"],
    ),
    "an overridden host still serves the dead": (
        {"prediction": seen("complex_logic"), "today": DAY, "overridden": ALL},
        [
            "+ wise-old: first choice for complex_logic; shut down 2026-12-01, still served here",
            "+ gone: next choice for complex_logic; shut down 2026-05-12, still served here",
            "+ wise: next choice for complex_logic",
        ],
    ),
}


@pytest.mark.parametrize(("given", "lines"), RULES.values(), ids=RULES)
def test_a_rule_of_the_route(given: dict[str, Any], lines: list[str]) -> None:
    """Every model considered, in order, taken or thrown out, with its reason."""
    chosen = route(**given)
    assert [line(candidate) for candidate in chosen.candidates] == lines
    assert chosen.taken == [candidate for candidate in chosen.candidates if candidate.taken]
    assert all((candidate.row is not None) is candidate.taken for candidate in chosen.candidates)
    assert chosen.warnings == ()


@pytest.mark.parametrize(
    ("given", "intent", "reason"),
    [
        ({"prediction": seen("preview")}, "preview", "classified as preview (0.90)"),
        (
            {"prediction": seen("preview", 0.3, True)},
            "preview",
            "the classifier is unsure, its best guess is preview (0.30)",
        ),
        ({"prediction": seen("logo")}, "logo", "classified as logo (0.90), which has no route"),
        ({"intent": "preview"}, "preview", "the caller asked for the intent preview"),
        ({}, None, "nothing was classified"),
        ({"model": "sign"}, None, "the caller asked for the model sign"),
        ({"model": "sign", "prediction": seen("preview")}, "preview", "the caller asked for the model sign"),
    ],
)
def test_a_route_says_why(given: dict[str, Any], intent: str | None, reason: str) -> None:
    """The route's own reason is the reading that it was made from."""
    chosen = route(**given)
    assert (chosen.intent, chosen.reason) == (intent, reason)


@pytest.mark.parametrize("name", ["URGENT_PREVIEW", "Preview", " preview "])
def test_the_storys_spellings_are_intents(name: str) -> None:
    """A caller may write an intent as the story does, in any case."""
    assert route(intent=name) == route(intent="preview")


def test_an_unknown_intent_is_refused() -> None:
    """The error names the field, what was written and what may be; a named model does not hide the mistake."""
    for model in (None, "sign"):
        with pytest.raises(InvalidRequestError, match=r"'photo' is no intent: .*preview, text_heavy") as refused:
            route(seen("preview"), intent="photo", model=model)
        assert refused.value.param == "intent"


@pytest.mark.parametrize(
    ("mine", "routes", "fitted", "unsure"),
    [
        (None, None, False, False),
        (None, None, True, True),
        (None, 0.5, True, False),
        (None, 0.6, False, False),
        (None, 0.61, False, True),
        (0.61, 0.5, False, True),
        (0.5, 0.61, True, False),
        (0.0, None, True, False),
    ],
)
def test_a_threshold_overrides_the_fitted_one(
    mine: float | None, routes: float | None, fitted: bool, unsure: bool
) -> None:
    """The request's threshold goes before the routes', theirs before the bundle's; a confidence equal to it will do."""
    catalog = CATALOG.model_copy(update={"routes": ROUTES.model_copy(update={"abstain_below": routes})})
    prediction = seen("preview", 0.6, fitted)
    assert abstains(prediction, Constraints(FOX, abstain_below=mine), catalog) is unsure
    first = route(prediction, catalog=catalog, abstain_below=mine).candidates[0].model
    assert first == ("wise-old" if unsure else "quick")


def test_an_export_model_that_is_on_the_list_is_not_repeated() -> None:
    """Named twice, it is considered once, at its better place."""
    preview = IntentRoute(models=["quick", "final"], export="final")
    routes = ROUTES.model_copy(update={"intents": ROUTES.intents | {"preview": preview}})
    chosen = route(
        seen("preview"), catalog=CATALOG.model_copy(update={"routes": routes}), request=replace(FOX, quality="high")
    )
    assert [candidate.model for candidate in chosen.candidates] == ["final", "quick", "wise-old"]
