"""A request's life: begun, tried, finished; and what an ended process leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from serve.errors import StoreError
from serve.store import AttemptEnd, Done, LedgerEntry, Lost, RequestEnd, Running, Store
from tests.serve.store.conftest import NOW, Life, image


async def test_an_attempt_is_on_the_ledger_before_the_vendor_is_called(life: Life) -> None:
    """As soon as `attempt_sent` returns, it is there as sent, at its estimate, and may have been billed."""
    await life.begin("r", intent="preview")
    await life.send("r", cost_usd=0.041)

    assert await life.store.ledger(10) == [
        LedgerEntry(
            id="r/0", request_id="r", number=0, model="dalle-3-std", row="gpt-image-2", vendor_model="gpt-image-2",
            provider="openai", intent="preview", sandbox=False, sent=NOW, outcome="sent", status=None, ms=None,
            billed="unknown", cost_usd=0.041,
        )
    ]  # fmt: skip


async def test_an_attempts_end_replaces_its_estimate(life: Life) -> None:
    """Outcome, status, time, bill and the settled cost; 0 is a cost."""
    await life.begin("r")
    await life.call("r", outcome="rate_limited", status=429, ms=12.5, billed="no", cost_usd=0.0)

    [entry] = await life.store.ledger(10)
    assert (entry.outcome, entry.status, entry.ms) == ("rate_limited", 429, 12.5)
    assert (entry.billed, entry.cost_usd) == ("no", 0.0)


async def test_the_ledger_shows_the_newest_first(life: Life) -> None:
    """By the time they were sent, then by number; no more than asked for."""
    await life.begin("r")
    await life.send("r", 0, sent=NOW)
    await life.send("r", 1, sent=NOW)
    await life.send("r", 2, sent=NOW - 1)

    assert [entry.number for entry in await life.store.ledger(2)] == [1, 0]
    assert await life.store.ledger(0) == []


async def test_the_ledger_of_the_last_hours_and_of_vendors_only(life: Life) -> None:
    """Attempts sent since then, and the sandbox's dollars apart from real ones; 0 is a time."""
    for name, sent, sandbox in (("old", NOW - 1, False), ("new", NOW, False), ("played", NOW, True)):
        await life.begin(name, sandbox=sandbox)
        await life.send(name, sent=sent)

    assert {entry.request_id for entry in await life.store.ledger(10, since=NOW)} == {"new", "played"}
    assert {entry.request_id for entry in await life.store.ledger(10, since=0, sandbox=False)} == {"old", "new"}
    assert {entry.request_id for entry in await life.store.ledger(10, sandbox=True)} == {"played"}


async def test_finish_keeps_the_answer_and_its_images(life: Life) -> None:
    """Every field of an image comes back as it was given, by its id."""
    await life.begin("r", intent="preview")
    drawn = (image("a", "r"), image("b", "r", intent=None, parent_id="a", media_type="image/webp"))
    await life.finish("r", images=drawn, row="gpt-image-2")

    assert await life.store.image("a") == drawn[0]
    assert await life.store.image("b") == drawn[1]
    assert await life.store.image("c") is None


async def test_an_answer_that_was_kept_is_never_replaced(life: Life) -> None:
    """A second end of the same request is refused, whatever it says."""
    await life.claim("k", "r")
    await life.begin("r")
    await life.finish("r", answer="first")

    with pytest.raises(StoreError, match="not running"):
        await life.finish("r", answer="second", http_status=500, error_code="upstream_error")
    assert await life.claim("k", "other") == Done(200, "first", "r")


async def test_an_attempt_ends_once(life: Life) -> None:
    """A late second end does not change what was settled; nor does an end without a beginning."""
    await life.begin("r")
    attempt_id = await life.call("r", cost_usd=0.04)
    late = AttemptEnd("upstream_timeout", None, 180_000.0, "unknown", 0.04)

    for wrong in (attempt_id, "never-sent"):
        with pytest.raises(StoreError, match="not under way"):
            await life.store.attempt_ended(wrong, late)
    [entry] = await life.store.ledger(10)
    assert entry.outcome == "ok"


async def test_finish_writes_the_late_ends_of_attempts(life: Life) -> None:
    """All of them with the request's end, or none of it where one has ended already."""
    await life.begin("r")
    late = [(await life.send("r", number), AttemptEnd("ok", 200, 900.0, "yes", 0.05)) for number in (0, 1)]
    ended = (await life.call("r", 2), AttemptEnd("ok", 200, 900.0, "no", 0.0))

    with pytest.raises(StoreError, match="not under way"):
        await life.finish("r", late_ends=(*late, ended))
    assert [entry.outcome for entry in await life.store.ledger(10)] == ["ok", "sent", "sent"]

    await life.finish("r", late_ends=tuple(late))
    entries = await life.store.ledger(10)
    assert [(entry.outcome, entry.billed, entry.cost_usd) for entry in entries] == [
        ("ok", "yes", 0.04), ("ok", "yes", 0.05), ("ok", "yes", 0.05),
    ]  # fmt: skip


async def test_an_attempt_belongs_to_a_request(life: Life) -> None:
    """Nothing is called for a request that never began."""
    with pytest.raises(StoreError, match="refused a record"):
        await life.send("nobody")
    assert await life.store.ledger(10) == []


async def test_an_end_is_kept_as_a_whole_or_not_at_all(life: Life) -> None:
    """When one image cannot be kept, the request goes on running and none of its images is there."""
    await life.begin("first")
    await life.finish("first", images=(image("taken", "first"),))
    await life.claim("k", "r")
    await life.begin("r")

    for unfit in (image("taken", "r"), image("new", "first")):
        with pytest.raises(StoreError):
            await life.finish("r", images=(image("a", "r"), unfit))
    assert await life.store.image("a") is None
    assert await life.claim("k", "other") == Running("r")


async def test_recover_gives_up_what_a_dead_process_left(path: Path) -> None:
    """Running requests are lost; attempts without an end stay billed "unknown" at their estimate; the rest stands."""
    async with Store.open(path) as store:
        life = Life(store)
        for key in ("sent", "ended", "begun", "claimed", "done"):
            await life.claim(key, key)
            if key != "claimed":
                await life.begin(key)
        await life.send("sent", cost_usd=0.25)
        await life.call("ended", outcome="upstream_error", status=500, billed="no", cost_usd=0.0)
        await life.finish("done")

    async with Store.open(path) as store:
        assert await store.recover(NOW + 60) == 3
        life = Life(store)
        assert await life.claim("sent", "x") == Lost("sent", may_be_billed=True)
        assert await life.claim("ended", "x") == Lost("ended", may_be_billed=False)
        assert await life.claim("begun", "x") == Lost("begun", may_be_billed=False)
        assert await life.claim("done", "x") == Done(200, '{"for": "done"}', "done")
        entries = {entry.request_id: (entry.outcome, entry.billed, entry.cost_usd) for entry in await store.ledger(9)}
        assert entries == {"sent": ("outcome_unknown", "unknown", 0.25), "ended": ("upstream_error", "no", 0.0)}
        assert await store.recover(NOW + 61) == 0


async def test_a_lost_request_stays_lost(path: Path) -> None:
    """Nothing of the dead process can finish it any more."""
    async with Store.open(path) as store:
        await Life(store).begin("r")
        await store.recover(NOW)
        with pytest.raises(StoreError, match="not running"):
            await store.finish("r", RequestEnd(200, 1.0, NOW))


async def test_whole_lives_side_by_side(life: Life) -> None:
    """64 requests at once, in every mixture the queue makes of them, all come out whole."""

    async def live(number: int) -> None:
        request_id = f"r{number}"
        await life.begin(request_id)
        await life.call(request_id)
        await life.finish(request_id, images=(image(f"i{number}", request_id),))

    await asyncio.gather(*(live(number) for number in range(64)))

    stats = await life.store.stats()
    assert (stats.totals.done, stats.totals.attempts, stats.totals.images) == (64, 64, 64)
    assert stats.totals.settled_usd == 2.56
