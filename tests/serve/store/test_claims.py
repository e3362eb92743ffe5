"""Idempotency keys: drawn once, answered to all who ask for the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

from serve.store import Done, Fresh, Lost, Mismatch, Running, Store
from tests.serve.store.conftest import DAY, NOW, Life


async def test_of_fifty_at_once_one_may_draw(life: Life) -> None:
    """The others are told under which request it is on its way."""
    claims = await asyncio.gather(*(life.claim("k", f"r{number}") for number in range(50)))

    assert claims == [Fresh()] + [Running("r0")] * 49


async def test_an_answer_is_shared_also_after_a_restart(path: Path) -> None:
    """Status and answer as they were kept, good or bad."""
    async with Store.open(path) as store:
        life = Life(store)
        for key, end in (("good", {}), ("bad", {"http_status": 504, "error_code": "upstream_timeout", "answer": "{}"})):
            await life.claim(key, key)
            await life.begin(key)
            await life.finish(key, **end)

    async with Store.open(path) as store:
        await store.recover(NOW)
        life = Life(store)
        assert await life.claim("good", "x") == Done(200, '{"for": "good"}', "good")
        assert await life.claim("bad", "x") == Done(504, "{}", "bad")


async def test_another_body_is_a_mismatch_however_the_first_stands(life: Life) -> None:
    """Running or done; and the first keeps its key."""
    await life.claim("k", "r")
    assert await life.claim("k", "x", fingerprint="other") == Mismatch()
    await life.begin("r")
    await life.finish("r")
    assert await life.claim("k", "x", fingerprint="other") == Mismatch()
    assert await life.claim("k", "x") == Done(200, '{"for": "r"}', "r")


async def test_a_key_is_its_callers_own(life: Life) -> None:
    """Two callers may choose the same key; "" is a caller and a key."""
    assert await life.store.claim("", "", "body", "r1", NOW, DAY) == Fresh()
    assert await life.store.claim("", "someone", "body", "r2", NOW, DAY) == Fresh()
    assert await life.store.claim("", "", "body", "r3", NOW, DAY) == Running("r1")


async def test_a_key_is_free_after_its_time(life: Life) -> None:
    """At the very second, for another body too."""
    await life.claim("k", "r")
    await life.begin("r")
    await life.finish("r")

    assert await life.claim("k", "x", now=NOW + DAY - 1) == Done(200, '{"for": "r"}', "r")
    assert await life.claim("k", "x", fingerprint="other", now=NOW + DAY) == Fresh()
    assert await life.claim("k", "y", fingerprint="other", now=NOW + DAY) == Running("x")


async def test_a_running_request_keeps_its_key_beyond_its_time(life: Life) -> None:
    """A second one beside it would be billed again."""
    await life.claim("k", "r")
    await life.begin("r")

    assert await life.claim("k", "x", now=NOW + 2 * DAY) == Running("r")


async def test_of_many_that_find_a_request_lost_one_draws_again(path: Path) -> None:
    """Each releases what it saw and claims: the first is fresh, the rest wait for it."""
    async with Store.open(path) as store:
        life = Life(store)
        await life.claim("k", "dead")
        await life.begin("dead")
        await store.recover(NOW)

        async def again(request_id: str) -> object:
            lost = await life.claim("k", request_id)
            if isinstance(lost, Lost):
                await store.release("k", "caller", lost.request_id)
                return await life.claim("k", request_id)
            return lost

        claims = await asyncio.gather(*(again(f"r{number}") for number in range(20)))
        assert claims.count(Fresh()) == 1
        assert len([claim for claim in claims if isinstance(claim, Running)]) == 19


async def test_release_frees_only_the_named_requests_key(life: Life) -> None:
    """And says whether it did."""
    await life.claim("k", "r")

    assert await life.store.release("k", "caller", "other") is False
    assert await life.store.release("other", "caller", "r") is False
    assert await life.claim("k", "x") == Running("r")
    assert await life.store.release("k", "caller", "r") is True
    assert await life.claim("k", "x") == Fresh()


async def test_a_request_that_was_turned_away_frees_its_key(life: Life) -> None:
    """`forget_key` lets the next equal request start afresh; other requests' keys stay."""
    for key in ("shed", "kept"):
        await life.claim(key, key)
        await life.begin(key)
    await life.finish("shed", http_status=429, error_code="overloaded", forget_key=True)
    await life.finish("kept", http_status=429, error_code="overloaded")

    assert await life.claim("shed", "x") == Fresh()
    assert await life.claim("kept", "x") == Done(429, '{"for": "kept"}', "kept")


async def test_a_key_whose_request_never_began_is_free_after_a_restart(path: Path) -> None:
    """The process died between the claim and the beginning: no vendor was called."""
    async with Store.open(path) as store:
        await Life(store).claim("k", "r")
    async with Store.open(path) as store:
        assert await store.recover(NOW) == 0
        assert await Life(store).claim("k", "x", fingerprint="other") == Fresh()


async def test_recover_forgets_keys_past_their_time(path: Path) -> None:
    """Also those of requests that are lost by it; younger keys stay."""
    async with Store.open(path) as store:
        life = Life(store)
        for key, now in (("old", NOW), ("young", NOW + DAY)):
            await life.claim(key, key, now=now)
            await life.begin(key)
        await store.recover(NOW + DAY)

        assert await life.claim("old", "x") == Fresh()
        assert await life.claim("young", "x") == Lost("young", may_be_billed=False)
