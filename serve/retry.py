"""Whether and when the same model is asked again, and how many extra calls the service may make at all.

Two questions, two answers: `RetryRule` looks at one request, `RetryBudget` at all of them. Without the second, a vendor
that is down gets every request several times, at the moment when it can bear that least.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from serve.errors import SettingsError

# 2 ** 60 times any base above a nanosecond is more than any cap; a higher power would only overflow.
_MOST_DOUBLINGS = 60
_MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Exponential waits with full jitter. Times are seconds; `attempts` counts the first call.

    Raises:
        SettingsError: no attempt at all, or a time that is negative or no number.
    """

    attempts: int = 3  # what clients are used to: the official OpenAI SDK also makes three calls
    base_s: float = 0.5  # the SDK's; a busy vendor answers again within a second or two
    cap_s: float = 8.0  # the SDK's; about as long as drawing takes, so beyond it the next model is faster
    retry_after_cap_s: float = 20.0  # a caller waits for a picture; one asked to wait longer is better served elsewhere

    def __post_init__(self) -> None:
        times = (self.base_s, self.cap_s, self.retry_after_cap_s)
        if self.attempts < 1 or not all(0 <= seconds < math.inf for seconds in times):
            raise SettingsError("retry: expected attempts >= 1, and times that are finite and not negative")

    def delay(self, failures: int, retry_after: float | None, random: Callable[[], float]) -> float | None:
        """Seconds to wait before the same model is called again, None when it should not be.

        Without `retry_after` the wait lies between 0 and `cap_s`. With it, the wait is that plus jitter, so that not
        all who were told the same come back at once; beyond `retry_after_cap_s` the model is not asked again.

        Args:
            failures: how many calls to this model failed for this request, at least 1.
            retry_after: seconds the vendor asks for, None where it says nothing; a negative one has passed.
            random: a number in [0, 1).
        """
        if failures >= self.attempts:
            return None
        jitter = random() * min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
        if retry_after is None:
            return jitter
        # Written so that a wait that is no number is refused too.
        if not retry_after <= self.retry_after_cap_s:
            return None
        return min(max(0.0, retry_after) + jitter, max(self.cap_s, self.retry_after_cap_s))


class RetryBudget:
    """Bounds extra calls (same model again, or the next one).

    At any time withdrawals <= ratio * deposits + burst + seconds / refill_s.

    What earns is the caller's choice. A deposit for each first call bounds the extra load by the traffic: at most
    1 + ratio calls a request, whatever fails. A deposit for each answered call bounds it by what works: extra calls go
    on while 1 in 1 + ratio of all calls is answered, and end after `burst` where none is. Whoever is called only as a
    substitute spends one for every call, so a ratio of 1 would drain with each failure and never fill again.

    Credit not used is kept up to `burst` only (or one): a quiet day is no reason for a storm. One more comes every
    `refill_s` seconds (of `monotonic`; never, by default), so that an outage that spent all of it is seen to end.

    Raises:
        SettingsError: a negative ratio or burst, or no time between refills.
    """

    def __init__(
        self,
        ratio: float = 0.1,
        burst: int = 10,
        refill_s: float = math.inf,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # 0.1: a vendor in trouble gets a tenth more, not three times as much. 10: a few early faults are no outage.
        if not 0 <= ratio < _MILLIONTHS or burst < 0 or not refill_s > 0:
            raise SettingsError("retry budget: expected ratio >= 0, burst >= 0 and refill_s > 0")
        # Whole millionths, rounded down: a sum of floats could overdraw.
        self._earned = int(ratio * _MILLIONTHS)
        self._most = max(burst, 1) * _MILLIONTHS
        self._credit = burst * _MILLIONTHS
        self._refill_s = refill_s
        self._monotonic = monotonic
        self._filled_at = monotonic()

    def deposit(self) -> None:
        """One call was made, or answered: it earns `ratio` of an extra call."""
        self._credit = min(self._most, self._credit + self._earned)

    def withdraw(self, calls: int = 1) -> bool:
        """Take so many extra calls at once; False, and none taken, when the budget does not hold them."""
        self._refill()
        if self._credit < calls * _MILLIONTHS:
            return False
        self._credit -= calls * _MILLIONTHS
        return True

    def _refill(self) -> None:
        now = self._monotonic()
        gained = int((now - self._filled_at) / self._refill_s * _MILLIONTHS)
        if gained > 0:
            self._credit = min(self._most, self._credit + gained)
            self._filled_at = now
