"""What goes into the store and comes out of it, as frozen records.

Times are seconds since 1970, durations milliseconds, costs US dollars. Ids are the caller's own, unique for ever.
`model` is the logical name on the route, as everywhere; `row` is the catalogue row that was really called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from serve.errors import Billed

SENT = "sent"
"""The outcome of an attempt nobody has heard the end of yet."""
OUTCOME_UNKNOWN = "outcome_unknown"
"""The outcome of an attempt whose process died before the vendor answered: it may have been billed."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request as it begins.

    Attributes:
        caller: who asks, "" where callers are not told apart.
        intent: may be left out here and said by `RequestEnd`.
        asked: the model the caller named; None where the service chose.
        n: pictures asked for.
        sandbox: no vendor is called, no dollar is real.
    """

    id: str
    created: float
    caller: str = ""
    intent: str | None = None
    asked: str | None = None
    n: int = 1
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class AttemptStart:
    """One call to one model, about to be sent. `number` counts a request's attempts; `cost_usd` is the estimate."""

    id: str
    request_id: str
    number: int
    model: str
    row: str
    vendor_model: str
    provider: str
    sent: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How the call ended: "ok" or the error's kind, the vendor's HTTP status if one came, and what it costs."""

    outcome: str
    status: int | None
    ms: float
    billed: Billed
    cost_usd: float


LateEnd = tuple[str, AttemptEnd]
"""The id of an attempt whose end could not be written down when it came, and that end."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """A picture that is on disk under `id`; pixels. `request` is the JSON it can be drawn again from."""

    id: str
    request_id: str
    model: str
    intent: str | None
    media_type: str
    width: int
    height: int
    request: str
    created: float
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class RequestEnd:
    """What the caller is told, kept before it is said.

    Attributes:
        http_status: of our answer.
        latency_ms: from the request's arrival to this answer.
        error_code: None means "done", any other "failed".
        answer: JSON that a repeated request with the same idempotency key gets, as long as the key lives. None keeps
            none, and without a key none is kept either.
        row: the catalogue row whose pictures these are; None where there are none.
        intent: None leaves what `RequestRecord` said.
        images: rows of this request, stored in the same transaction.
        late_ends: of attempts of this request, stored in the same transaction.
        forget_key: free the idempotency key, so that the next equal request starts afresh: for requests that were
            turned away before any vendor was called.
    """

    http_status: int
    latency_ms: float
    ended: float
    error_code: str | None = None
    answer: str | None = None
    row: str | None = None
    intent: str | None = None
    images: tuple[ImageRecord, ...] = ()
    late_ends: tuple[LateEnd, ...] = ()
    forget_key: bool = False


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """What a caller thinks of an image or a request: name one of the two.

    A caller has one say per image or request: what is said again replaces what was said, a None leaves it.
    """

    created: float
    caller: str = ""
    image_id: str | None = None
    request_id: str | None = None
    thumb: Literal[1, -1] | None = None
    right_intent: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One attempt as the ledger shows it. `outcome` is "sent" and `status`, `ms` are None until its end is known."""

    id: str
    request_id: str
    number: int
    model: str
    row: str
    vendor_model: str
    provider: str
    intent: str | None
    sandbox: bool
    sent: float
    outcome: str
    status: int | None
    ms: float | None
    billed: Billed
    cost_usd: float


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody used this key: it now belongs to the claiming request."""


@dataclass(frozen=True, slots=True)
class Running:
    """An equal request of this process is on its way, under `request_id`."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Lost:
    """An equal request died with its process. `may_be_billed`: one of its attempts was, or nobody knows.

    The key stays with the lost request until `Store.release` frees it.
    """

    request_id: str
    may_be_billed: bool


@dataclass(frozen=True, slots=True)
class Done:
    """An equal request was answered: its HTTP status, and its answer if `RequestEnd` kept one."""

    status: int
    answer: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used for another body."""


Claim = Fresh | Running | Lost | Done | Mismatch
