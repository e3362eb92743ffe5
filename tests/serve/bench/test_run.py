"""Real benches against the sandbox: figures, faults by cause, the same traffic in the store, the ceiling, Ctrl-C."""

from __future__ import annotations

import asyncio
import signal

import pytest

from serve.bench.live import read_live_stats
from serve.bench.session import run_bench
from serve.sandbox.faults import FaultRule
from serve.settings import Settings
from tests.serve.bench.conftest import Range


async def test_two_models_side_by_side(field: Range) -> None:
    """Both answered, each with its own price, pictures and bytes, and the ids that were called for their names."""
    record = await field.run(field.bench("ideogram-v2a", "dalle-3-std", concurrency=2, runs=2))
    ideogram, dalle = record.models
    assert (ideogram.model, ideogram.called) == ("ideogram-v2a", {"V_2A": 2})
    assert (dalle.model, dalle.called) == ("dalle-3-std", {"dall-e-3": 2})
    for model in record.models:
        assert (model.requests, model.answered, model.errors, model.pictures) == (2, 2, {}, 2)
        assert model.ms is not None
        assert model.call_ms is not None
        # A caller waits for the call, and for what is kept of it.
        assert 0 < model.call_ms.p50 <= model.ms.p50 <= model.ms.p99 <= record.took_s * 1000
    assert (ideogram.settled_usd, ideogram.possible_usd) == (0.08, 0.0)
    assert record.estimate_usd == record.settled_usd == field.sandbox.ledger.totals["usd"] == 0.16
    images = (Settings(home=field.home).state.images).iterdir()
    assert ideogram.bytes + dalle.bytes == sum(path.stat().st_size for path in images)
    assert (record.ending, record.left, record.what.sandbox) == ("done", 0, True)


async def test_faults_are_counted_by_cause(field: Range) -> None:
    """A block, an overload and a cut, of three requests; what the cut one may cost stands apart."""
    field.suffer(
        FaultRule(model="dall-e-3", nth=1, effect="content_block"),
        FaultRule(model="dall-e-3", nth=2, status=503),
        FaultRule(model="dall-e-3", nth=3, effect="cut_after"),
    )
    [dalle] = (await field.run(field.bench("dalle-3-std", runs=4))).models
    assert dalle.errors == {"content_policy": 1, "upstream_error": 1, "upstream_timeout": 1}
    assert (dalle.requests, dalle.answered, dalle.error_rate) == (4, 1, 0.75)
    assert (dalle.settled_usd, dalle.possible_usd) == (0.04, 0.04)
    assert len(dalle.answered_ms) == 1


async def test_a_retried_request_is_one_request(field: Range) -> None:
    """Two calls, one answer: what a caller of the service sees, and its wait covers both."""
    field.attempts = 2
    field.suffer(FaultRule(model="V_2A", nth=1, status=503))
    [model] = (await field.run(field.bench("ideogram-v2a"))).models
    assert (model.requests, model.calls, model.answered, model.errors) == (1, 2, 1, {})


async def test_a_swap_is_told(field: Range) -> None:
    """A model that is gone is answered for by its successor; the figures say who was called."""
    field.suffer(FaultRule(model="V_2A", effect="gone"))
    [model] = (await field.run(field.bench("ideogram-v2a", runs=2))).models
    assert (model.answered, model.called) == (2, {"ideogram-2a": 2})
    assert model.notes == {"ideogram-v2a is gone at its vendor: ideogram-2a answers for it": 2}


async def test_its_traffic_stands_in_the_same_statistics(field: Range) -> None:
    """Calls, errors, money, pictures and times by the call: the store counted the same."""
    field.suffer(FaultRule(model="dall-e-3", nth=2, effect="cut_body"))
    record = await field.run(field.bench("dalle-3-std", "ideogram-v2a", runs=2))
    stats = read_live_stats(Settings(home=field.home).state.database, sandbox=True)
    benched = sorted(record.models, key=lambda model: model.model)
    assert [
        (row.model, row.intent, row.attempts, row.errors, row.ms, row.settled_usd, row.possible_usd, row.images)
        for row in stats.models
    ] == [(m.model, None, m.calls, m.errors, m.call_ms, m.settled_usd, m.possible_usd, m.pictures) for m in benched]
    assert stats.totals.errors == {"upstream_timeout": 1}


async def test_the_ceiling_is_never_passed(field: Range) -> None:
    """Two at once, four cents each, ten cents: two are drawn, and the third would have passed it."""
    record = await field.run(field.bench("ideogram-v2a", "dalle-3-std", concurrency=2, runs=3, max_cost=0.1))
    assert (record.ending, record.settled_usd) == ("max_cost", 0.08)
    assert [model.requests for model in record.models] == [1, 1]
    assert field.sandbox.ledger.totals["usd"] <= 0.1


async def test_a_ceiling_of_the_estimate_lets_everything_through(field: Range) -> None:
    """The ceiling itself may be spent."""
    record = await field.run(field.bench("ideogram-v2a", runs=3, max_cost=0.12))
    assert (record.ending, record.models[0].answered) == ("done", 3)


async def test_what_was_not_billed_counts_nothing_against_the_ceiling(field: Range) -> None:
    """Two overloads cost nothing, so that the money of one picture still draws it."""
    field.suffer(FaultRule(model="V_2A", first=2, status=503))
    record = await field.run(field.bench("ideogram-v2a", runs=3, max_cost=0.04))
    assert (record.ending, record.models[0].answered, record.settled_usd) == ("done", 1, 0.04)


async def test_the_first_ctrl_c_waits_for_what_is_paid_for(field: Range) -> None:
    """The request under way is drawn and counted, no other begins, and somebody is told why it takes a moment."""
    told: list[str] = []
    calls = 0

    async def before() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            signal.raise_signal(signal.SIGINT)

    bench = field.bench("ideogram-v2a", runs=5, before=before)
    record = await run_bench(bench, bench.orders(), stopping=lambda: told.append("stopping"))
    assert (record.ending, record.models[0].answered, record.left) == ("interrupted", 2, 0)
    assert told == ["stopping"]
    assert field.sandbox.ledger.totals["calls"] == 2


async def test_the_second_ctrl_c_leaves_at_once_and_keeps_what_was_measured(field: Range) -> None:
    """The vendor never answers the second request: it is counted as left, with what it may cost."""
    calls = 0

    async def before() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()

    record = await field.run(field.bench("ideogram-v2a", runs=5, before=before))
    assert (record.ending, record.models[0].answered) == ("interrupted", 1)
    assert (record.left, record.left_usd) == (1, pytest.approx(0.04))
    assert record.possible_usd == pytest.approx(0.04)
