"""Fields of `GET /v1/ledger`: every call to a model, and what it may have cost. No prompt is among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from serve.store import LedgerEntry


class LedgerLine(BaseModel):
    """One call to one model."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    request_id: str = Field(description="`routing.request_id` of the answer.")
    number: int = Field(description="Which of the request's calls this is.")
    sent: float = Field(description="Seconds since 1970.")
    model: str
    vendor_model: str
    provider: str
    intent: str | None
    outcome: str = Field(
        description='"ok" or the error\'s kind; "sent" while nobody knows, "outcome_unknown" if the service died first.'
    )
    status: int | None = Field(description="The vendor's HTTP status, if one came.")
    ms: float | None
    billed: Literal["yes", "no", "unknown"] = Field(description='"unknown" may have been billed.')
    cost_usd: float = Field(description="US dollars; at most so many where `billed` is not yes.")


class LedgerList(BaseModel):
    """The newest call first."""

    object: Literal["list"] = "list"
    data: list[LedgerLine]

    @classmethod
    def of(cls, entries: Sequence[LedgerEntry]) -> Self:
        """The store's entries as callers see them."""
        return cls(data=[LedgerLine.model_validate(entry) for entry in entries])
