"""So many requests begin in a turn of the event loop: of a burst, the first are at their vendors while others are read.

The loop takes what is ready in the order it came, one step of each. Of 64 requests that come at once all would be read,
then all decided on, then all sent; their answers would come at once too, and so on for ever: the processor works while
every vendor waits for it, and rests while all of them draw.
"""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

# Fewer leave less work to be done together, such as a commit.
_A_TURN = 8


class Turnstile:
    """Lets `a_turn` requests through in each turn of the loop, first come, first served; one that is alone at once."""

    def __init__(self, app: ASGIApp, a_turn: int = _A_TURN) -> None:
        self._app = app
        self._a_turn = a_turn
        self._passed = 0
        self._turning = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http":
            await self._pass()
        await self._app(scope, receive, send)

    async def _pass(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            loop.call_soon(self._turn, loop)
        if self._passed < self._a_turn:
            self._passed += 1
            return
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        await mine

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._passed = 0
        while self._waiting and self._passed < self._a_turn:
            first = self._waiting.popleft()
            if not first.done():  # cancelled: its caller has gone
                first.set_result(None)
                self._passed += 1
        self._turning = self._passed > 0
        if self._turning:
            loop.call_soon(self._turn, loop)
