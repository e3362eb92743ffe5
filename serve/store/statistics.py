"""The figures of `Store.stats`: what was asked, how fast it came, what went wrong, what it cost, how it was liked.

One cohort throughout: the requests that came in since `since`, with all their attempts, images and feedback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds by nearest rank: the smallest measured value that at least p % of the values do not exceed.

    Exact, from every row, and always a time that was really measured (numpy calls the method "inverted_cdf").
    """

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class ModelStats:
    """One catalogue row under one intent (None: not known).

    Attributes:
        requests: that tried this row at least once.
        ms: of the attempts that were "ok"; None where there are none.
        errors: attempts by outcome, without "ok" and without those under way.
        settled_usd: what was billed for certain; `possible_usd`: what may have been billed besides.
        images: drawn by this row; thumbs and corrections are of these and of the requests that it answered.
        corrected: callers who named another intent than the one it was routed by.
    """

    model: str
    intent: str | None
    requests: int = 0
    attempts: int = 0
    ms: Percentiles | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    settled_usd: float = 0.0
    possible_usd: float = 0.0
    images: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    corrected: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """All requests together; `ms` is what callers waited for an answer with pictures, `errors` the codes they got."""

    running: int
    done: int
    failed: int
    lost: int
    attempts: int
    ms: Percentiles | None
    errors: Mapping[str, int]
    settled_usd: float
    possible_usd: float
    images: int
    thumbs_up: int
    thumbs_down: int
    corrected: int

    @property
    def requests(self) -> int:
        """However they stand."""
        return self.running + self.done + self.failed + self.lost


@dataclass(frozen=True, slots=True)
class Stats:
    """Everything `GET /v1/stats` says. `models` is in order of name, then intent.

    Attributes:
        previews: preview requests that have ended, well or not, without final pictures and exports.
        previews_in_time: those of them answered with pictures in under `target_ms`.
    """

    since: float | None
    target_ms: float
    models: tuple[ModelStats, ...]
    totals: Totals
    previews: int
    previews_in_time: int

    @property
    def preview_share(self) -> float | None:
        """`previews_in_time` of `previews`, 0 to 1; None where there was no preview."""
        return self.previews_in_time / self.previews if self.previews else None
