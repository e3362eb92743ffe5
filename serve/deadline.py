"""How long a request may take, and how much money: two things that its attempts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Seconds past the deadline for the way of pictures that were drawn in time: thrown away they would be paid for as well.
GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment `at` of a monotonic clock, in seconds, when the caller stops waiting."""

    at: float
    monotonic: Callable[[], float]

    def left(self) -> float:
        """Seconds until then; 0 afterwards."""
        return max(0.0, self.at - self.monotonic())


class Bill:
    """What a request may cost at most, in US dollars; None sets no limit. Reserved before a call, settled after it."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._held = 0.0

    def reserve(self, usd: float) -> bool:
        """Hold `usd` for a call; False, and nothing held, when that would pass the limit."""
        # A thousandth of a cent: sums of binary fractions may differ by less.
        if self._limit is not None and self._held + usd > self._limit + 1e-5:
            return False
        self._held += usd
        return True

    def settle(self, reserved: float, usd: float) -> None:
        """The call for which `reserved` was held has cost `usd`."""
        self._held += usd - reserved
