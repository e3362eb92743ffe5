"""From single requests to figures a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from serve.store import Percentiles


@dataclass(frozen=True, slots=True)
class Sample:
    """One request and what came of it.

    Attributes:
        ms: milliseconds that a caller waits: queue, retries and all.
        cause: None where it was answered; else the last call's outcome, or our own code where nobody was called.
        called: the vendor's id of the model that was called last; None where nobody was.
        calls: calls to vendors; `call_ms` are the milliseconds of those that ended well.
        settled_usd: US dollars billed for certain; `possible_usd` may have been billed besides.
        bytes: of the pictures, as the vendor sent them.
        notes: the answer's warnings, of a model that another one answers for among them.
    """

    model: str
    ms: float
    cause: str | None = None
    called: str | None = None
    calls: int = 0
    call_ms: tuple[float, ...] = ()
    settled_usd: float = 0.0
    possible_usd: float = 0.0
    pictures: int = 0
    bytes: int = 0
    notes: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        """US dollars at most."""
        return self.settled_usd + self.possible_usd


class ModelFigures(BaseModel):
    """One model's requests together; the fields are those of `Sample`.

    `ms` and `answered_ms` (in the order of their ends) are of answered requests; `called` and `notes` say how often.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    called: dict[str, int]
    requests: int
    answered: int
    error_rate: float
    errors: dict[str, int]
    ms: Percentiles | None
    calls: int
    call_ms: Percentiles | None
    settled_usd: float
    possible_usd: float
    pictures: int
    bytes: int
    notes: dict[str, int]
    answered_ms: tuple[float, ...]

    @property
    def usd_a_request(self) -> float | None:
        """US dollars at most, None where nothing was asked."""
        return (self.settled_usd + self.possible_usd) / self.requests if self.requests else None


def figures_of(model: str, samples: Sequence[Sample]) -> ModelFigures:
    """The figures of `model`, out of everybody's samples."""
    own = [sample for sample in samples if sample.model == model]
    failed = Counter(sample.cause for sample in own if sample.cause is not None)
    answered_ms = tuple(sample.ms for sample in own if sample.cause is None)
    return ModelFigures(
        model=model,
        called=_most_first(Counter(sample.called for sample in own if sample.called is not None)),
        requests=len(own),
        answered=len(answered_ms),
        error_rate=round(failed.total() / len(own), 6) if own else 0.0,
        errors=_most_first(failed),
        ms=percentiles(answered_ms),
        calls=sum(sample.calls for sample in own),
        call_ms=percentiles([ms for sample in own for ms in sample.call_ms]),
        settled_usd=round(sum(sample.settled_usd for sample in own), 6),
        possible_usd=round(sum(sample.possible_usd for sample in own), 6),
        pictures=sum(sample.pictures for sample in own),
        bytes=sum(sample.bytes for sample in own),
        notes=_most_first(Counter(note for sample in own for note in sample.notes)),
        answered_ms=answered_ms,
    )


def percentiles(values: Sequence[float]) -> Percentiles | None:
    """By nearest rank: the smallest value that at least p % of the values do not exceed. Exact; None of nothing.

    The same rule as the store's, so that a bench and `GET /v1/stats` can be laid side by side.
    """
    if not values:
        return None
    ranked = sorted(values)

    def at(percent: int) -> float:
        return ranked[-(-percent * len(ranked) // 100) - 1]

    return Percentiles(at(50), at(95), at(99))


def _most_first(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
