"""Slots by weight and the queue before them; test_limiter_machine.py holds them against a model."""

from __future__ import annotations

import asyncio

import pytest

from serve.catalog import load_catalog
from serve.errors import OverloadedError, SettingsError
from serve.limiter import QUEUE, LaneState, Limiter
from tests.serve.resilience.leaping_time import now, run, settle
from tests.serve.resilience.limiter_scene import hold, is_idle, make_limiter


def test_ten_images_are_in_flight_and_the_eleventh_waits() -> None:
    """Weighted by n: 4 + 4 + 2 fill the limit, a fourth request starts when one of them ends."""

    async def scene() -> list[float]:
        limiter = make_limiter()
        return await asyncio.gather(*(hold(limiter, 10, weight) for weight in (4, 4, 2, 1)))

    assert run(scene()) == [0, 0, 0, 10]


def test_a_heavy_request_is_not_overtaken() -> None:
    """Those for one image that come after a request for eight wait behind it, though they would fit."""

    async def scene() -> list[float]:
        limiter = make_limiter()
        return await asyncio.gather(hold(limiter, 10, 4), hold(limiter, 5, 8), hold(limiter, 1), hold(limiter, 1))

    assert run(scene()) == [0, 10, 10, 10]


def test_a_weight_over_the_limit_takes_the_whole_limit() -> None:
    """Twelve images at a limit of ten do not wait for ever."""

    async def scene() -> list[float]:
        limiter = make_limiter()
        began = await asyncio.gather(hold(limiter, 3), hold(limiter, 3, 12), hold(limiter, 3))
        assert is_idle(limiter)
        return began

    assert run(scene()) == [0, 3, 6]


@pytest.mark.parametrize("weight", [0, -5])
def test_every_call_counts(weight: int) -> None:
    """A weight below one takes one: nobody adds room by asking for nothing."""

    async def scene() -> list[float]:
        limiter = make_limiter(limit=1)
        return await asyncio.gather(hold(limiter, 3, weight), hold(limiter, 3, weight))

    assert run(scene()) == [0, 3]


def test_a_provider_without_a_limit_never_waits() -> None:
    """No limit, no lane, no state."""

    async def scene() -> list[float]:
        limiter = Limiter(0, now)
        assert limiter.states() == {}
        return await asyncio.gather(*(hold(limiter, 1) for _ in range(500)))

    assert set(run(scene())) == {0}


def test_a_full_queue_refuses_at_once() -> None:
    """With 429, the seconds to wait, and words that say what to do."""

    async def scene() -> OverloadedError:
        limiter = make_limiter(limit=1, queue=1)
        held = [asyncio.create_task(hold(limiter, 5)) for _ in range(2)]
        await settle()
        with pytest.raises(OverloadedError) as refused:
            await hold(limiter, 5)
        assert now() == 0
        assert await asyncio.gather(*held) == [0, 5]
        return refused.value

    error = run(scene())
    assert str(error) == "ideogram: images in flight 1 of 1, and the queue of 1 is full; try again in 2 s"
    assert error.headers == {"retry-after": "2"}


def test_a_queue_of_none_refuses_whoever_cannot_start() -> None:
    """0 is a value."""

    async def scene() -> None:
        limiter = make_limiter(limit=2, queue=0)
        held = [asyncio.create_task(hold(limiter, 5)) for _ in range(2)]
        await settle()
        with pytest.raises(OverloadedError, match="the queue of 0 is full"):
            await hold(limiter, 5)
        await asyncio.gather(*held)

    run(scene())


def test_who_waits_longer_than_it_can_is_refused() -> None:
    """After exactly its time, and its place in the queue is free again."""

    async def scene() -> None:
        limiter = make_limiter(limit=1)
        held = asyncio.create_task(hold(limiter, 60))
        await settle()
        with pytest.raises(OverloadedError, match=r"no slot came free within 2\.5 s"):
            await hold(limiter, 1, timeout_s=2.5)
        assert now() == 2.5
        assert limiter.states()["ideogram"].queued == 0
        await held

    run(scene())


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_without_time_only_a_free_slot_is_taken(timeout_s: float) -> None:
    """No wait is a wait of nothing: served where there is room, refused where there is none."""

    async def scene() -> None:
        limiter = make_limiter(limit=1)
        assert await hold(limiter, 1, timeout_s=timeout_s) == 0
        held = asyncio.create_task(hold(limiter, 60))
        await settle()
        with pytest.raises(OverloadedError, match="within the 0 s"):
            await hold(limiter, 1, timeout_s=timeout_s)
        assert now() == 1
        await held

    run(scene())


def test_a_hopeless_wait_is_refused_at_once() -> None:
    """Slots have been held for ten seconds each: who has eight, with a full round ahead in the queue, need not wait."""

    async def scene() -> OverloadedError:
        limiter = make_limiter(limit=1)
        await asyncio.gather(*(hold(limiter, 10) for _ in range(5)))
        held = [asyncio.create_task(hold(limiter, 10)) for _ in range(2)]
        await settle()
        with pytest.raises(OverloadedError, match="no slot can be expected within the 8 s") as refused:
            await hold(limiter, 1, timeout_s=8)
        assert now() == 50
        # With twelve seconds it may come true, and is waited for.
        with pytest.raises(OverloadedError, match="came free"):
            await hold(limiter, 1, timeout_s=12)
        await asyncio.gather(*held)
        return refused.value

    assert run(scene()).retry_after == 20


def test_the_first_in_the_queue_is_never_hopeless() -> None:
    """Whoever is next may start any moment, so it waits as long as it has."""

    async def scene() -> float:
        limiter = make_limiter(limit=1)
        await asyncio.gather(*(hold(limiter, 10) for _ in range(5)))
        held = asyncio.create_task(hold(limiter, 0.5))
        await settle()
        began = await hold(limiter, 1, timeout_s=1)
        await held
        return began

    assert run(scene()) == 50.5


def test_one_provider_does_not_slow_another() -> None:
    """Ideogram stands still with a full queue, openai serves."""

    async def scene() -> None:
        limiter = make_limiter(limit=1, queue=3)
        held = [asyncio.create_task(hold(limiter, 100)) for _ in range(4)]
        await settle()
        async with limiter.slot("openai", 1, 0) as waited:
            assert waited == 0
        assert limiter.states()["openai"].in_use == 0
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    run(scene())


def test_ten_times_the_load_is_served_in_bounded_time_or_refused() -> None:
    """Of 300 at once, 10 + 20 are served within three rounds, 270 hear 429 at once."""

    async def scene() -> tuple[list[float], int]:
        limiter = make_limiter(limit=10, queue=20)
        ends = await asyncio.gather(*(hold(limiter, 7) for _ in range(300)), return_exceptions=True)
        assert is_idle(limiter)
        assert now() == 21
        refused = [end for end in ends if isinstance(end, OverloadedError)]
        return [end for end in ends if isinstance(end, float)], len(refused)

    served, refused = run(scene())
    assert (max(served), len(served), refused) == (14, 30, 270)


def test_the_state_is_visible() -> None:
    """What is in flight, who waits, and how long the first has waited; a slot says how long it took."""

    async def scene() -> float:
        limiter = make_limiter(limit=4)
        held = [asyncio.create_task(hold(limiter, 10, weight)) for weight in (3, 2, 4)]
        await asyncio.sleep(6)
        assert limiter.states()["ideogram"] == LaneState(4, 3, 2, 6.0)
        async with limiter.slot("ideogram", 1, None) as waited:
            await asyncio.gather(*held)
            return waited

    assert run(scene()) == 24.0


def test_every_shipped_provider_has_a_limit() -> None:
    """Ideogram's is the published one."""
    limits = {name: provider.max_in_flight for name, provider in load_catalog().providers.items()}
    assert limits == {"openai": 24, "google": 24, "ideogram": 10, "bfl": 24, "recraft": 16}


@pytest.mark.parametrize(
    ("limits", "queue", "words"),
    [
        ({"openai": 3, "ideogram": 0}, QUEUE, "ideogram needs at least 1"),
        ({"ideogram": -1}, QUEUE, "ideogram needs at least 1"),
        ({}, -1, "queue cannot be negative"),
    ],
)
def test_settings_without_sense_are_refused(limits: dict[str, int], queue: int, words: str) -> None:
    """Told at start-up, with the provider's name."""
    with pytest.raises(SettingsError, match=words):
        Limiter(queue, lambda: 0.0).open(limits)
