"""Every row of the shipped catalogue against the sandbox: two readings of the same facts, made without each other."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from serve.calling import Answer, Caller
from serve.catalog import Model, load_catalog
from serve.client import make_client
from serve.cost import estimate_usd, settle_usd
from serve.errors import ContentPolicyError, EmptyReplyError, ModelGoneError, UpstreamError
from serve.fitting import fit, requests_for
from serve.image_request import ImageRequest, WireRequest
from serve.sandbox.app import Sandbox, create_sandbox, served_models
from serve.sandbox.faults import FaultPlan, FaultRule
from serve.settings import Settings
from serve.targets import Targets

CATALOG = load_catalog()
ROWS = list(CATALOG.models.values())
WISH = ImageRequest(
    'a fox with a sign: "OPEN"',
    seed=7,
    negative_prompt="fog",
    user="u-1",
    aspect_ratio="16:9",
    background="transparent",
)


async def draw(sandbox: Sandbox, row: Model, *wires: WireRequest) -> list[Answer]:
    """What the sandbox draws, called as the service calls it."""
    settings = Settings()
    async with make_client(settings, httpx.ASGITransport(app=sandbox)) as client:
        caller = Caller(client, Targets.from_settings(settings, CATALOG), 30.0, poll_seconds=0)
        return [await caller.draw(row, wire) for wire in wires]


def named(row: Model) -> str:
    """A row in a test's id."""
    return row.name


@pytest.mark.parametrize("row", ROWS, ids=named)
async def test_a_row_draws_and_costs_what_it_says(row: Model) -> None:
    """Every wish that the row takes is taken; pictures come, and what was settled is what the vendor billed."""
    sandbox = create_sandbox()
    asked = replace(WISH, output_format=(row.output_formats or [None])[-1])
    wire, _ = fit(asked, row)
    (answer,) = await draw(sandbox, row, wire)
    assert len(answer.images) == 1
    assert all((image.data is None) is not (image.url is None) for image in answer.images)
    (call,) = sandbox.ledger.calls
    assert (call.model, call.provider, call.status) == (row.vendor_model, row.provider, 200)
    prompt = 0 if answer.usage is None else answer.usage.text_input_tokens or 0
    by_token = prompt * row.token_price.get("text_input", 0) / 1_000_000
    assert settle_usd(row, wire, answer.usage, 1) == pytest.approx(call.usd + by_token, abs=2e-6)
    assert estimate_usd(row, wire) == pytest.approx(call.usd, rel=0.03)


@pytest.mark.parametrize("row", ROWS, ids=named)
async def test_every_shape_and_quality_of_a_row_is_taken(row: Model) -> None:
    """No spelling of the catalogue's is refused: the vendor gets as far as not drawing for another reason."""
    sandbox = create_sandbox(FaultPlan((FaultRule(effect="empty_200"),)))
    wires = [
        WireRequest(WISH.prompt, row.max_n, shape, quality)
        for shape in row.shapes.values()
        for quality in dict.fromkeys(row.qualities.values()) or [None]
    ]
    for wire in wires:
        with pytest.raises((EmptyReplyError, ContentPolicyError, UpstreamError)):
            await draw(sandbox, row, wire)
    assert [call.status for call in sandbox.ledger.calls] == [200] * len(wires)


@pytest.mark.parametrize("name", ["flux-2-klein-4b", "imagen-4", "recraftv3"])
async def test_many_pictures_are_billed_once_each(name: str) -> None:
    """The calls that a request is split into give all its pictures, each with a seed of its own where one was given."""
    row, sandbox = CATALOG.models[name], create_sandbox()
    wires = [fit(request, row)[0] for request in requests_for(ImageRequest("a fox", n=7, seed=7), row)]
    answers = await draw(sandbox, row, *wires)
    assert sum(len(answer.images) for answer in answers) == 7
    assert sandbox.ledger.totals["billed_images"] == 7
    assert len({wire.seed for wire in wires}) == (len(wires) if row.seed else 1)


@pytest.mark.parametrize("row", ROWS, ids=named)
async def test_a_retired_id_is_known_by_its_answer(row: Model) -> None:
    """The vendor's 404 is understood as "gone", whatever it says."""
    sandbox = create_sandbox(FaultPlan((FaultRule(model=row.vendor_model, effect="gone"),)))
    with pytest.raises(ModelGoneError) as gone:
        await draw(sandbox, row, fit(ImageRequest("a fox"), row)[0])
    assert (gone.value.provider, gone.value.billed) == (row.provider, "no")


def test_the_sandbox_serves_every_row() -> None:
    """Each vendor's id of the catalogue is served there, by that vendor."""
    assert {row.vendor_model: row.provider for row in ROWS}.items() <= served_models().items()
