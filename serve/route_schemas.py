"""What `POST /v1/route` takes and answers: a decision a prompt, with what each candidate would cost."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from classifier import Prediction
from serve.fitting import fit
from serve.image_request import ImageRequest
from serve.policy import Candidate, Route
from serve.schemas import GenerateBody, Text


class RouteBody(GenerateBody):
    """A body of `/v1/generate`, whose decision is wanted and no picture; or many `prompts` that share its fields."""

    prompt: Text | None = Field(default=None, description="One prompt; or:")  # type: ignore[assignment]
    prompts: list[Text] | None = Field(default=None, description="Many prompts; the answer keeps their order.")


class RatedCandidate(BaseModel):
    """A model that was considered: taken, with what it would cost, or thrown out, and why.

    `model` is the logical name, `row` and `vendor_model` say who answers for it; they are null when it is thrown out.
    """

    model: str
    taken: bool
    reason: str
    cause: str | None = Field(description="What threw it out, in a word.")
    row: str | None
    vendor_model: str | None
    provider: str | None
    cost_usd: float | None = Field(description="Estimated US dollars, for this very request.")
    p50_ms: float | None = Field(description="The median latency measured here, in milliseconds.")

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """The candidate as callers see it."""
        row = candidate.row
        return cls(
            model=candidate.model,
            taken=candidate.taken,
            reason=candidate.reason,
            cause=candidate.cause,
            row=row.name if row else None,
            vendor_model=row.vendor_model if row else None,
            provider=row.provider if row else None,
            cost_usd=candidate.cost_usd,
            p50_ms=candidate.p50_ms,
        )


class RouteDecision(BaseModel):
    """What a prompt was taken for and who would draw it. Without a candidate, `model` and what follows it are null.

    `cost_usd` is what the first candidate is estimated to cost in US dollars; `warnings` say what it would drop.
    """

    intent: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    abstained: bool | None
    model: str | None
    vendor_model: str | None
    provider: str | None
    cost_usd: float | None
    reason: str
    candidates: list[RatedCandidate] = Field(description="In the order to try them.")
    warnings: list[str]

    @classmethod
    def of(cls, request: ImageRequest, prediction: Prediction | None, abstained: bool | None, route: Route) -> Self:
        """The decision on one request; `abstained` is None where nothing was classified."""
        candidates = [RatedCandidate.of(candidate) for candidate in route.candidates]
        first = next((candidate for candidate in candidates if candidate.taken), None)
        return cls(
            intent=route.intent,
            confidence=prediction.confidence if prediction else None,
            probabilities=prediction.probabilities if prediction else None,
            abstained=abstained,
            model=first.model if first else None,
            vendor_model=first.vendor_model if first else None,
            provider=first.provider if first else None,
            cost_usd=first.cost_usd if first else None,
            reason=route.reason,
            candidates=candidates,
            warnings=[*route.warnings, *_dropped(request, route)],
        )


class RouteResponse(BaseModel):
    """One decision a prompt, in order."""

    object: Literal["list"] = "list"
    data: list[RouteDecision]
    classifier_version: str | None
    sandbox: bool


def _dropped(request: ImageRequest, route: Route) -> tuple[str, ...]:
    row = route.taken[0].row if route.taken else None
    return () if row is None else fit(request, row)[1]
