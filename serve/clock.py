"""The clocks of the service, as an argument: tests name their own day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Clock:
    """`today` in UTC, `now` in seconds since 1970, `monotonic` in seconds for measuring, `sleep` for waiting them."""

    today: Callable[[], date] = _today
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
