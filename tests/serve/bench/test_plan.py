"""What is asked in which order, and what of it is refused before it costs anything."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.bench.plan import Plan, estimates, make_orders, read_models
from serve.bench.session import Bench
from serve.catalog import load_catalog
from serve.constraints import Health
from serve.errors import BudgetError, InvalidRequestError
from serve.settings import Settings
from tests.serve.conftest import TODAY

CATALOG = load_catalog()
ALL = frozenset(CATALOG.providers)
HEALTH = Health(keyed=ALL, overridden=ALL)
MODELS = ("imagen-4-fast", "ideogram-v2a", "dalle-3-std", "gpt-image-2")


@given(
    models=st.permutations(MODELS).flatmap(lambda names: st.integers(1, 4).map(lambda n: tuple(names[:n]))),
    prompts=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4),
    runs=st.integers(1, 4),
)
def test_the_models_take_turns(models: tuple[str, ...], prompts: list[str], runs: int) -> None:
    """Each round asks every model for the same prompt, and the rounds begin with one model after the other."""
    orders = make_orders(Plan(models, tuple(prompts), 1, runs), CATALOG, HEALTH, TODAY)
    rounds = [orders[at : at + len(models)] for at in range(0, len(orders), len(models))]
    assert [{order.model for order in one} for one in rounds] == [set(models)] * (len(prompts) * runs)
    assert [[order.prompt for order in one] for one in rounds] == [[p] * len(models) for p in prompts * runs]
    assert [one[0].model for one in rounds] == [models[at % len(models)] for at in range(len(rounds))]


def test_the_estimate_is_the_catalogues() -> None:
    """Three pictures of each, at the price of that day; a retired model costs what its successor does."""
    plan = Plan(("dalle-3-std", "ideogram-v2a"), ("a fox",), 1, 3)
    usd = estimates(make_orders(plan, CATALOG, Health(keyed=ALL, overridden=frozenset()), TODAY))
    assert usd == {"dalle-3-std": pytest.approx(3 * 0.01317), "ideogram-v2a": pytest.approx(0.12)}
    at_its_time = estimates(make_orders(plan, CATALOG, Health(ALL, frozenset()), date(2025, 6, 1)))
    assert at_its_time["dalle-3-std"] == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("model", "prompt", "health", "told"),
    [
        ("no-such", "a fox", HEALTH, "no model 'no-such' here"),
        ("dalle-3-std", "x" * 4001, HEALTH, "at most 4000 characters"),
        ("dalle-3-std", "a fox", Health(keyed=ALL - {"openai"}, overridden=ALL), "no OPENAI_API_KEY"),
    ],
)
def test_what_a_model_cannot_do_is_refused_first(model: str, prompt: str, health: Health, told: str) -> None:
    """Not after the other models' pictures are paid for."""
    with pytest.raises(InvalidRequestError, match=told):
        make_orders(Plan(("ideogram-v2a", model), ("a fox", prompt), 1, 1), CATALOG, health, TODAY)


@pytest.mark.parametrize(("names", "told"), [(" , ", "name one model"), ("a,b, a", "a is named twice")])
def test_a_list_of_models_names_each_once(names: str, told: str) -> None:
    """Two columns of the same name would be one model's figures, cut in two."""
    with pytest.raises(InvalidRequestError, match=told):
        read_models(names)
    assert read_models(" a, b-2 ,") == ("a", "b-2")


def test_a_ceiling_under_one_picture_is_refused(settings: Settings) -> None:
    """0 is a ceiling too."""
    bench = Bench(Plan(("ideogram-v2a",), ("a fox",), 1, 1, max_cost=0.0), settings, CATALOG)
    with pytest.raises(BudgetError, match=r"ideogram-v2a alone costs about 0\.04 US dollars"):
        bench.orders()


def test_prompts_are_told_apart_by_a_digest() -> None:
    """The same prompts have the same one; other prompts, or another division of them, another."""

    def digest(*prompts: str) -> str:
        return Plan((), prompts, 1, 1).prompts_sha256

    assert digest("a fox", "b") == digest("a fox", "b")
    assert len({digest("a fox", "b"), digest("a fox"), digest("a fox, b"), digest("b", "a fox")}) == 4
