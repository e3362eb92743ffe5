"""`POST /v1/classify` with `"explain": true`: what moved each decision."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from serve.catalog import Routes, load_catalog
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_an_explanation_adds_up(serving: Serving, settings: Settings) -> None:
    """Bias, embedding and features sum to the log-odds of the answer's own probabilities, words come in order."""
    async with serving(settings) as client:
        answer = await client.post("/v1/classify", json={"prompt": "quick  mockup of a chair", "explain": True})
    (decision,) = answer.json()["data"]
    found, shares = decision["explanation"], decision["probabilities"]
    parts = [found["bias"], found["embedding"], *(feature["contribution"] for feature in found["features"])]
    assert math.fsum(parts) == pytest.approx(found["log_odds"], rel=1e-12)
    odds = shares[decision["intent"]] / shares[found["runner_up"]]
    assert found["log_odds"] == pytest.approx(math.log(odds), abs=1e-4)
    assert found["features"][0] == {"name": "rough", "value": 1.0, "contribution": 8.0}
    assert [word["text"] for word in found["words"]] == ["quick", "mockup", "of", "a", "chair"]


async def test_the_decision_is_the_same_with_and_without(serving: Serving, settings: Settings) -> None:
    """Explaining adds a field to each decision, in the prompts' order, and changes none."""
    prompts = ["a quick draft", "hmm", '"HELLO"']
    async with serving(settings) as client:
        plain = (await client.post("/v1/classify", json={"prompts": prompts})).json()
        explained = (await client.post("/v1/classify", json={"prompts": prompts, "explain": True})).json()
    assert all(decision.pop("explanation")["words"] for decision in explained["data"])
    assert explained == plain


async def test_strangeness_is_a_percentage(serving: Serving, settings: Settings) -> None:
    """Each decision says how strange its prompt is, from 0 to 100."""
    async with serving(settings) as client:
        body = (await client.post("/v1/classify", json={"prompts": ["a", "two cats", "xqzv"]})).json()
    oods = [decision["ood"] for decision in body["data"]]
    assert all(0 <= ood <= 100 for ood in oods)
    assert len(set(oods)) == 3


async def test_eight_prompts_can_be_explained_at_once(serving: Serving, settings: Settings) -> None:
    """A ninth is a 400 that says so; without an explanation it is welcome."""
    async with serving(settings) as client:
        most = await client.post("/v1/classify", json={"prompts": ["a"] * 8, "explain": True})
        more = await client.post("/v1/classify", json={"prompts": ["a"] * 9, "explain": True})
        plain = await client.post("/v1/classify", json={"prompts": ["a"] * 9, "explain": False})
    assert (most.status_code, plain.status_code) == (200, 200)
    error = more.json()["error"]
    assert (more.status_code, error["param"]) == (400, "prompts")
    assert "at most 8" in error["message"]


@pytest.mark.parametrize(("wish", "param"), [("prompt", "prompt"), ("prompts", "prompts.1")])
async def test_a_long_prompt_is_classified_and_not_explained(
    wish: str, param: str, serving: Serving, settings: Settings
) -> None:
    """Each of sixty variants would be as long."""
    body = {"prompt": "a " * 2001} if wish == "prompt" else {"prompts": ["a", "a " * 2001]}
    async with serving(settings) as client:
        plain = await client.post("/v1/classify", json=body)
        refused = await client.post("/v1/classify", json={**body, "explain": True})
    assert plain.status_code == 200
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (400, param)
    assert "at most 4000 characters can be explained" in error["message"]


async def test_the_threshold_of_the_routes_holds_here_too(serving: Serving, settings: Settings) -> None:
    """`abstain_below` decides whether an explained prediction abstains, as it does for a plain one."""
    catalog = load_catalog()
    strict = catalog.model_copy(
        update={"routes": Routes.model_validate(catalog.routes.model_dump() | {"abstain_below": 1.0})}
    )
    async with serving(settings, catalog=strict) as client:
        body = (await client.post("/v1/classify", json={"prompt": "two cats", "explain": True})).json()
    assert body["data"][0]["abstained"] is True


async def test_nothing_is_explained_without_a_classifier(serving: Serving, settings: Settings) -> None:
    """Without a champion an explanation is a 503, as a prediction is."""
    async with serving(settings, without_classifier=True) as client:
        refused = await client.post("/v1/classify", json={"prompt": "a", "explain": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")


async def test_the_documentation_shows_the_explanation(serving: Serving, settings: Settings) -> None:
    """/docs has the wish and every field of the answer to it."""
    async with serving(settings) as client:
        page = (await client.get("/docs")).text
    for field in ("explain", "data[].ood", "data[].explanation.log_odds", "data[].explanation.words[].effect"):
        assert f"<code>{field}</code>" in page
