"""The figures: per model and intent, in all, and the promise to previews."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.store import ModelStats, Percentiles, Store, stats_query
from tests.serve.store.conftest import NOW, Life, image


async def _traffic(life: Life) -> None:
    """One preview falls back and is answered; one text job fails; one preview still runs."""
    await life.begin("p", intent="preview")
    await life.call("p", 0, "slow", outcome="upstream_error", status=500, billed="no", cost_usd=0.0)
    await life.call("p", 1, "slow", outcome="upstream_timeout", status=None, billed="unknown", cost_usd=0.1)
    await life.call("p", 2, "quick", ms=700.0, cost_usd=0.02)
    await life.finish("p", latency_ms=1500.0, row="quick", images=(image("a", "p"), image("b", "p")))
    await life.begin("t", created=NOW + 100)
    await life.call("t", 0, "quick", outcome="content_policy", status=400, billed="yes", cost_usd=0.02)
    await life.finish("t", intent="text_heavy", latency_ms=90.0, error_code="moderation_blocked", http_status=400)
    await life.begin("r", intent="preview", created=NOW + 200, sandbox=True)
    await life.send("r", 0, "quick", cost_usd=0.02)


async def test_figures_per_model_and_intent(life: Life) -> None:
    """Requests, attempts, times of the good ones, causes of the bad ones, settled and possible spend, images."""
    await _traffic(life)

    assert (await life.store.stats()).models == (
        ModelStats(
            "quick", "preview", requests=2, attempts=2, ms=Percentiles(700.0, 700.0, 700.0),
            settled_usd=0.02, possible_usd=0.02, images=2,
        ),
        ModelStats("quick", "text_heavy", requests=1, attempts=1, errors={"content_policy": 1}, settled_usd=0.02),
        ModelStats(
            "slow", "preview", requests=1, attempts=2, errors={"upstream_error": 1, "upstream_timeout": 1},
            possible_usd=0.1,
        ),
    )  # fmt: skip


async def test_figures_in_all(life: Life) -> None:
    """Requests by how they stand, attempts and money of all models, the codes that callers got."""
    await _traffic(life)

    totals = (await life.store.stats()).totals
    assert (totals.requests, totals.running, totals.done, totals.failed, totals.lost) == (3, 1, 1, 1, 0)
    assert (totals.attempts, totals.images) == (5, 2)
    assert (totals.settled_usd, totals.possible_usd) == (0.04, 0.12)
    assert totals.ms == Percentiles(1500.0, 1500.0, 1500.0)
    assert totals.errors == {"moderation_blocked": 1}


async def test_an_empty_store_has_figures_too(store: Store) -> None:
    """Zeros, and None for what cannot be said."""
    stats = await store.stats()

    assert (stats.models, stats.totals.requests, stats.totals.settled_usd) == ((), 0, 0.0)
    assert stats.totals.ms is None
    assert stats.preview_share is None


async def test_figures_since(life: Life) -> None:
    """One cohort: the requests that came in since then, with all that is theirs. 0 is a time."""
    await _traffic(life)

    assert (await life.store.stats(since=0)).totals.requests == 3
    late = await life.store.stats(since=NOW + 100)
    assert (late.totals.requests, late.totals.attempts, late.totals.images) == (2, 2, 0)
    assert [(model.model, model.intent) for model in late.models] == [("quick", "preview"), ("quick", "text_heavy")]


async def test_the_sandboxs_dollars_can_be_told_apart(life: Life) -> None:
    """Figures of the sandbox only, or of vendors only."""
    await _traffic(life)

    played, real = await life.store.stats(sandbox=True), await life.store.stats(sandbox=False)
    assert (played.totals.requests, played.totals.possible_usd) == (1, 0.02)
    assert (real.totals.requests, real.totals.possible_usd) == (2, 0.1)


async def test_the_share_of_previews_in_time(life: Life) -> None:
    """Answered in under 3,000 ms, of all previews that have ended; a failure is no answer, however quick."""
    for name, latency, failed in (("a", 2999.9, None), ("b", 3000.0, None), ("c", 10.0, "upstream_error")):
        await life.begin(name, intent="preview")
        await life.finish(name, latency_ms=latency, error_code=failed)
    await life.begin("still running", intent="preview")
    await life.begin("no preview", intent="text_heavy")
    await life.finish("no preview", latency_ms=1.0)

    stats = await life.store.stats()
    assert (stats.previews, stats.previews_in_time, stats.preview_share) == (3, 1, 1 / 3)
    assert (await life.store.stats(target_ms=3000.1)).previews_in_time == 2


async def test_a_final_picture_is_no_preview(life: Life) -> None:
    """An export, or a preview in high quality, was not promised in three seconds, in time or not."""
    for name, parent, request, latency in (
        ("preview", None, '{"n": 1, "quality": "auto"}', 9000.0),
        ("final", None, '{"n": 1, "quality": "high"}', 9000.0),
        ("hd", None, '{"n": 1, "quality": "hd"}', 1.0),
        ("export", "preview", '{"n": 1, "quality": "high"}', 9000.0),
    ):
        await life.begin(name, intent="preview")
        pictures = (image(f"{name}/{place}", name, request=request, parent_id=parent) for place in range(2))
        await life.finish(name, latency_ms=latency, images=tuple(pictures))

    stats = await life.store.stats()
    assert (stats.previews, stats.previews_in_time) == (1, 0)


async def test_money_is_counted_in_whole_micro_dollars(life: Life) -> None:
    """Ten times ten cents is a dollar."""
    await life.begin("r", intent="preview")
    for number in range(10):
        await life.call("r", number, cost_usd=0.1)

    assert (await life.store.stats()).totals.settled_usd == 1.0


@settings(max_examples=6)
@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=120), min_size=1, max_size=4))
def test_percentiles_are_numpys(times: list[list[int]]) -> None:
    """By nearest rank, over every row: numpy's "inverted_cdf", for any number of values of any number of models."""

    async def measured() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            async with Store.open(Path(folder) / "gateway.db") as store:
                life = Life(store)
                await life.begin("r", intent="preview")
                all_times = [(f"row {row}", ms) for row, group in enumerate(times) for ms in group]
                calls = (life.call("r", place, row, ms=float(ms)) for place, (row, ms) in enumerate(all_times))
                await asyncio.gather(*calls)
                return [model.ms for model in (await store.stats()).models]

    expected = [np.percentile(group, [50, 95, 99], method="inverted_cdf") for group in times]
    assert asyncio.run(measured()) == [Percentiles(*(float(value) for value in ranks)) for ranks in expected]


async def test_a_window_reads_its_own_rows_only(life: Life, path: Path) -> None:
    """The requests by time, then their attempts one by one: not all attempts there ever were."""
    await _traffic(life)
    values = {"since": NOW, "sandbox": None, "target_ms": 0, "sent": "sent"}
    statements = (stats_query._CALLS, stats_query._ERRORS, stats_query._TIMES, stats_query._ALL_CALLS)
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {stats_query._COHORT}{statement}", values).fetchall()
            steps = " ".join(step for *_, step in plan)
            assert "SEARCH requests USING INDEX requests_by_time" in steps
            assert "SEARCH attempts USING INDEX ix_attempts_request_id" in steps
