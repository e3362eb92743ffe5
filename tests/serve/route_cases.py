"""Any catalogue, prediction, caller, state and wishes: what the properties of routes are tried on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from classifier import Prediction
from serve.catalog import Catalog, IntentRoute, Model, Routes, load_catalog
from serve.image_request import ImageRequest
from serve.policy import Constraints, Health, Route, Wishes, choose_route

SHIPPED = load_catalog()
TODAY = date(2026, 11, 22)
NAMES = [f"m{number}" for number in range(4)]
INTENTS = ["preview", "text_heavy", "complex_logic"]
# Whole catalogues take a while to draw; a busy machine is no failure.
PATIENT = settings(suppress_health_check=[HealthCheck.too_slow])


class Case(NamedTuple):
    """All that a route depends on, save the day."""

    prediction: Prediction | None
    constraints: Constraints
    catalog: Catalog
    health: Health

    def route(self) -> Route:
        """The route on TODAY."""
        return choose_route(*self, TODAY)


@st.composite
def rows(draw: st.DrawFn, name: str) -> Model:
    """A row with any life and any limits; successors may be missing, dead or in a circle."""
    days = st.integers(min_value=-2, max_value=2).map(lambda days: TODAY + timedelta(days=days))
    life = {
        "name": name,
        "provider": draw(st.sampled_from(list(SHIPPED.providers))),
        "status": draw(st.sampled_from(["active", "deprecated", "shutdown"])),
        "shutdown_date": draw(st.none() | days),
        "successor": draw(st.sampled_from([None, *NAMES])),
        "max_n": draw(st.integers(min_value=1, max_value=3)),
        "max_prompt_chars": draw(st.sampled_from([2, 4000])),
        "text": draw(st.booleans()),
        "price": {"default": draw(st.sampled_from([0.0, 0.01, 0.02, 0.05]))},
    }
    return SHIPPED.models["gpt-image-2.5-flare"].model_copy(update=life)


TARGETS = st.sampled_from([None, 3_000])


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    """Four models and a route for each intent, any of them anywhere, named twice or not at all."""
    name = st.sampled_from(NAMES)
    needs = st.lists(st.just("text"), max_size=1)
    models = st.lists(name, min_size=1, max_size=4)
    routes = st.builds(IntentRoute, models=models, export=st.none() | name, target_ms=TARGETS, needs=needs)
    return Catalog(
        providers=SHIPPED.providers,
        models={name: draw(rows(name)) for name in NAMES},
        routes=Routes(
            default=draw(name),
            abstain_below=draw(st.sampled_from([None, None, 0.0, 0.5, 1.0])),
            intents={intent: draw(routes) for intent in INTENTS},
        ),
    )


SOME = st.sets(st.sampled_from(list(SHIPPED.providers))).map(frozenset)
PREDICTIONS = st.builds(
    Prediction,
    st.sampled_from([*INTENTS, "logo"]),
    st.floats(min_value=0, max_value=1),
    st.just({"preview": 1.0}),
    st.booleans(),
)
REQUESTS = st.builds(
    ImageRequest,
    prompt=st.text(max_size=8),
    n=st.integers(min_value=1, max_value=4),
    aspect_ratio=st.sampled_from([None, "16:9", "wide"]),
    quality=st.sampled_from(["auto", "low", "high", "hd"]),
)
FREE = st.builds(
    Constraints, REQUESTS, st.none(), st.sampled_from([None, None, *INTENTS]), st.sampled_from([None, 0.0, 0.5, 1.0])
)
CASES = st.builds(Case, st.none() | PREDICTIONS, FREE, catalogs(), st.builds(Health, SOME, SOME))

# The same, with models that fail, are gone or slow, and callers who are particular.
RECORDS = st.sets(st.sampled_from(NAMES), max_size=3).map(frozenset)
STATES = st.builds(
    Health,
    SOME,
    SOME,
    gone=st.frozensets(st.sampled_from(NAMES), max_size=2),
    open=RECORDS,
    p50_ms=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([900.0, 2_000.0, 3_000.0, 3_001.0, 9_000.0])),
)
PARTIES = st.frozensets(st.sampled_from([*NAMES, *SHIPPED.providers]), max_size=3)
WEIGHTS = st.dictionaries(st.sampled_from(["quality", "speed", "cost"]), st.sampled_from([0.0, 0.1, 0.2, 1.0, 3.0]))
WISHES = st.builds(
    Wishes,
    optimize=st.none() | WEIGHTS,
    max_cost=st.none() | st.sampled_from([0.0, 0.01, 0.02, 0.05, 0.2]),
    deadline_ms=st.none() | st.sampled_from([1_000, 3_000, 60_000]),
    allow=st.none() | PARTIES,
    deny=PARTIES,
)
PARTICULAR = st.builds(
    Constraints,
    REQUESTS,
    st.none(),
    st.sampled_from([None, None, *INTENTS]),
    st.sampled_from([None, 0.0, 0.5]),
    WISHES,
)
HARD_CASES = st.builds(Case, st.none() | PREDICTIONS, PARTICULAR, catalogs(), STATES)
