"""Whoever is cancelled, too late or broken leaves no slot behind."""

from __future__ import annotations

import asyncio

import pytest

from serve.errors import OverloadedError
from tests.serve.resilience.leaping_time import run, settle
from tests.serve.resilience.limiter_scene import hold, is_idle, make_limiter


def test_a_cancelled_wait_leaves_no_trace() -> None:
    """Its place is free at once, and a lighter one behind it that fits now starts."""

    async def scene() -> None:
        limiter = make_limiter()
        held = asyncio.create_task(hold(limiter, 10, 9))
        heavy = asyncio.create_task(hold(limiter, 10, 5))
        await settle()
        light = asyncio.create_task(hold(limiter, 1))
        await settle()
        assert limiter.states()["ideogram"].queued == 2
        heavy.cancel()
        assert await light == 0
        await held
        assert heavy.cancelled()
        assert is_idle(limiter)

    run(scene())


def test_a_timeout_lets_those_behind_start() -> None:
    """A heavy request gives up; the light one behind it does not wait for the next end."""

    async def scene() -> list[float | BaseException]:
        limiter = make_limiter()
        held = (hold(limiter, 10, 9), hold(limiter, 10, 5, timeout_s=2), hold(limiter, 1))
        return await asyncio.gather(*held, return_exceptions=True)

    first, heavy, light = run(scene())
    assert (first, light) == (0, 2)
    assert isinstance(heavy, OverloadedError)


def test_a_slot_given_to_a_cancelled_task_goes_to_the_next() -> None:
    """Cancelled between its turn and its next step: the slot is passed on, not lost."""

    async def scene() -> None:
        limiter = make_limiter(limit=1)
        gate = asyncio.Event()

        async def hold_until_opened() -> None:
            async with limiter.slot("ideogram", 1, None):
                await gate.wait()

        first = asyncio.create_task(hold_until_opened())
        await settle()
        second, third = asyncio.create_task(hold(limiter, 5)), asyncio.create_task(hold(limiter, 5))
        await settle()
        gate.set()
        await asyncio.sleep(0)
        assert limiter.states()["ideogram"].queued == 1
        assert not second.done()
        second.cancel()
        assert await third == 0
        assert second.cancelled()
        await first
        assert limiter.states()["ideogram"].in_use == 0

    run(scene())


def test_a_cancelled_task_that_is_still_in_the_queue_is_passed_over() -> None:
    """A slot comes free between a task's cancellation and its next step: the one behind gets it."""

    async def scene() -> None:
        limiter = make_limiter(limit=1)
        held = asyncio.create_task(hold(limiter, 10))
        await settle()
        second, third = asyncio.create_task(hold(limiter, 1)), asyncio.create_task(hold(limiter, 1))
        await settle()
        held.cancel()
        second.cancel()
        assert await third == 0
        assert held.cancelled()
        assert second.cancelled()
        assert limiter.states()["ideogram"].in_use == 0

    run(scene())


def test_who_is_refused_and_cancelled_at_once_gives_back_nothing() -> None:
    """Its time was up and its task cancelled in the same turn: it had no slot that could come free."""

    async def scene() -> None:
        limiter = make_limiter(limit=1)
        held = asyncio.create_task(hold(limiter, 10))
        await settle()
        late = asyncio.create_task(hold(limiter, 1, timeout_s=2))
        await settle()
        asyncio.get_running_loop().call_later(2, late.cancel)
        await asyncio.gather(late, return_exceptions=True)
        assert late.cancelled()
        assert limiter.states()["ideogram"].in_use == 1
        await held

    run(scene())


def test_a_failing_block_gives_its_slot_back() -> None:
    """Whatever is raised inside."""

    async def scene() -> None:
        limiter = make_limiter()

        async def fail() -> None:
            async with limiter.slot("ideogram", 7, None):
                assert limiter.states()["ideogram"].in_use == 7
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert is_idle(limiter)

    run(scene())
