"""The turnstile: a few requests begin in each turn of the loop, in their order, and nobody is forgotten."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from starlette.types import Message, Receive, Scope, Send

from serve.turnstile import Turnstile


class Hall:
    """The application behind it: notes who is in, and stays until it is told to end."""

    def __init__(self) -> None:
        self.inside: list[int] = []
        self.end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside.append(scope["number"])
        await self.end.wait()


async def _receive() -> Message:
    return {"type": "http.request"}


async def _send(message: Message) -> None:
    raise AssertionError(message)


def _come(turnstile: Turnstile, number: int, kind: str = "http") -> asyncio.Task[None]:
    return asyncio.create_task(turnstile({"type": kind, "number": number}, _receive, _send))  # type: ignore[arg-type]


async def _leave(hall: Hall, tasks: list[asyncio.Task[None]]) -> None:
    hall.end.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 30)


async def test_a_crowd_goes_in_a_few_at_a_time_and_in_its_order() -> None:
    """Never more than three new ones a turn, and all of them in the end, while the first are still inside."""
    hall = Hall()
    turnstile = Turnstile(hall, a_turn=3)
    tasks, seen = [_come(turnstile, number) for number in range(10)], [0]
    while len(hall.inside) < 10:
        await asyncio.sleep(0)
        seen.append(len(hall.inside))

    assert max(after - before for before, after in pairwise(seen)) == 3
    assert hall.inside == list(range(10))
    await _leave(hall, tasks)


async def test_who_comes_alone_goes_in_at_once() -> None:
    """Time after time; and what is no request is never held up."""
    hall = Hall()
    turnstile = Turnstile(hall, a_turn=1)
    tasks = []
    for number in range(3):
        tasks.append(_come(turnstile, number))
        await asyncio.sleep(0)
        assert hall.inside[-1] == number
        for _ in range(3):
            await asyncio.sleep(0)
    tasks += [_come(turnstile, number, "lifespan") for number in (3, 4)]
    await asyncio.sleep(0)
    assert hall.inside == [0, 1, 2, 3, 4]
    await _leave(hall, tasks)


async def test_who_goes_while_it_waits_takes_nobodys_place() -> None:
    """Those behind it go in as if it had never come."""
    hall = Hall()
    turnstile = Turnstile(hall, a_turn=1)
    tasks = [_come(turnstile, number) for number in range(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    for _ in range(6):
        await asyncio.sleep(0)

    assert hall.inside == [0, 2, 3]
    with pytest.raises(asyncio.CancelledError):
        await tasks.pop(1)
    await _leave(hall, tasks)
