"""A model that its vendor has retired is swapped within the request, and not asked again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from serve.catalog import Catalog, load_catalog
from serve.errors import ModelGoneError
from serve.retry import RetryRule
from serve.sandbox.faults import FaultRule
from serve.settings import Settings
from tests.serve.generation.drawing_scene import (
    FLARE,
    OPENAI,
    RULES,
    Answer,
    Vendors,
    draws,
    job,
    keyed,
    outcomes,
    sandbox_with,
    says,
    stage,
)

NEXT_FLARE = "gpt-image-2.6-flare"
DOUBTFUL = says(404, "model_not_found")
PLAIN = httpx.Response(404, json={"error": {"message": "The model has been deprecated.", "code": "model_not_found"}})
GONE = httpx.Response(410, text="<html>")


def with_successor(successor: str, name: str = FLARE) -> Catalog:
    """The catalogue with another successor of a model."""
    catalog = load_catalog()
    row = catalog.models[name].model_copy(update={"successor": successor})
    return catalog.model_copy(update={"models": catalog.models | {name: row}})


async def test_its_successor_draws_within_the_same_request(tmp_path: Path) -> None:
    """One answer, by the successor, under the name that was asked for; the answer says so."""
    sandbox = sandbox_with(FaultRule(model=FLARE, effect="gone"))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job(model=FLARE))
    assert outcomes(ended) == [(FLARE, "model_gone"), (NEXT_FLARE, "ok")]
    assert ended.chosen is not None
    assert ended.chosen.row is not None
    assert (ended.chosen.model, ended.chosen.row.name) == (FLARE, NEXT_FLARE)
    assert f"{FLARE} is gone at its vendor: {NEXT_FLARE} answers for it" in ended.warnings
    assert sandbox.ledger.totals["billed_calls"] == 1


async def test_a_whole_line_of_retired_models_is_walked(tmp_path: Path) -> None:
    """A successor that is gone as well is swapped for its own."""
    gone = ("imagen-4.0-fast-generate-001", "gemini-3.1-flash-lite-image")
    sandbox = sandbox_with(*(FaultRule(model=model, effect="gone") for model in gone))
    async with stage(tmp_path, sandbox) as scene:
        ended = await scene.run(job(intent="preview"))
    assert outcomes(ended) == [(gone[0], "model_gone"), (gone[1], "model_gone"), ("gemini-nano-banana-2.1", "ok")]


@pytest.mark.parametrize(
    ("answer", "seconds", "asked_again"),
    [(DOUBTFUL, 599, False), (DOUBTFUL, 601, True), (PLAIN, 10**9, False), (GONE, 10**9, False)],
)
async def test_it_is_remembered(*, answer: Answer, seconds: float, asked_again: bool, tmp_path: Path) -> None:
    """A 404 that may mean something else for ten minutes, the vendor's plain word for as long as the process lives."""
    async with stage(tmp_path, Vendors({OPENAI: [answer, draws]})) as scene:
        first = await scene.run(job(model=FLARE))
        assert outcomes(first) == [(FLARE, "model_gone"), (NEXT_FLARE, "ok")]
        soon = await scene.run(job(model=FLARE))
        assert outcomes(soon) == [(NEXT_FLARE, "ok")]
        scene.time.at += seconds
        later = await scene.run(job(model=FLARE))
    assert outcomes(later) == [(FLARE if asked_again else NEXT_FLARE, "ok")]


async def test_a_successor_without_a_key_is_not_called(tmp_path: Path) -> None:
    """The vendor's word is told, and nobody is called without a key."""
    settings = Settings(home=tmp_path, openai_api_key=keyed(tmp_path).openai_api_key)
    vendors = Vendors({OPENAI: [DOUBTFUL]})
    async with stage(tmp_path, vendors, settings=settings, catalog=with_successor("ideogram-2a")) as scene:
        ended = await scene.run(job(model=FLARE))
    assert isinstance(ended.failure, ModelGoneError)
    assert vendors.called == [OPENAI]


@pytest.mark.parametrize("wish", [{"deny": frozenset({"dalle-3-std"})}, {"max_cost": 0.03}])
async def test_a_successor_is_judged_by_the_callers_wishes(wish: dict[str, object], tmp_path: Path) -> None:
    """Whom the caller denies, or would not pay, is not called as a successor either."""
    sandbox, catalog = sandbox_with(FaultRule(effect="gone", first=1)), with_successor("dalle-3-std")
    async with stage(tmp_path, sandbox, catalog=catalog) as scene:
        asked = job(model=FLARE, **wish)
        ended = await scene.run(replace(asked, request=replace(asked.request, quality="low")))
    assert isinstance(ended.failure, ModelGoneError)
    assert sandbox.ledger.totals["calls"] == 1


async def test_no_row_is_asked_under_two_names(tmp_path: Path) -> None:
    """A successor that failed is passed over when its own turn on the route comes."""
    sandbox = sandbox_with(
        FaultRule(model="imagen-4.0-fast-generate-001", effect="gone"), FaultRule(model=FLARE, status=503)
    )
    once, catalog = replace(RULES, retry=RetryRule(attempts=1)), with_successor(FLARE, name="imagen-4-fast")
    async with stage(tmp_path, sandbox, rules=once, catalog=catalog) as scene:
        ended = await scene.run(job(intent="preview"))
    assert [vendor_model for vendor_model, _ in outcomes(ended)] == [
        "imagen-4.0-fast-generate-001", FLARE, "ideogram-2a"
    ]  # fmt: skip
