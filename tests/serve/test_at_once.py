"""Work at the same time: every end is told, and none cuts off another."""

from __future__ import annotations

import asyncio

import pytest

from serve.at_once import at_once


async def _doubled(number: int) -> int:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError(number)
    return 2 * number


@pytest.mark.parametrize("numbers", [(), (1,), (-1,), (1, -1, 3), (-1, -2)])
async def test_each_end_has_its_place(numbers: tuple[int, ...]) -> None:
    """Results and errors stand where their work stood, whether there is none, one or several."""
    ended = await at_once([_doubled(number) for number in numbers])
    assert [end if isinstance(end, int) else type(end) for end in ended] == [
        ValueError if number < 0 else 2 * number for number in numbers
    ]


@pytest.mark.parametrize("pieces", [1, 2])
async def test_cancelling_it_cancels_the_work(pieces: int) -> None:
    """Nothing of it goes on behind the back of who was waiting for it."""
    cut_off: list[int] = []

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cut_off.append(number)
            raise

    waiting = asyncio.create_task(at_once([work(number) for number in range(pieces)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert cut_off == list(range(pieces))
