"""What one call to one model came to."""

from __future__ import annotations

from dataclasses import dataclass

from serve.errors import Billed
from serve.image_request import Usage


@dataclass(frozen=True, slots=True)
class Attempt:
    """A frozen record; observers get it, nobody changes it.

    Attributes:
        model: the logical name on the route; `vendor_model` is the id that was called.
        outcome: "ok", or the error's kind.
        status: the vendor's HTTP status, None where none came.
        ms: milliseconds from the first byte sent to the last picture proven.
        cost_usd: US dollars at most: 0 when `billed` is "no", the catalogue's price otherwise.
        usage: what the vendor says that the call used, None where it says nothing.
    """

    model: str
    vendor_model: str
    outcome: str
    status: int | None
    ms: float
    cost_usd: float
    billed: Billed
    usage: Usage | None = None
