"""What callers send and get, field by field. OpenAI's names first, ours beside them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from classifier import Prediction
from classifier.explanation import Explanation
from serve.catalog import Quality
from serve.job import Job
from serve.wish_schemas import WishFields

# "16:9" and "1024x1024": digits only, no zero in front, so that every number is at least 1.
RATIO_PATTERN = r"^(auto|[1-9][0-9]{0,3}:[1-9][0-9]{0,3})$"
SIZE_PATTERN = r"^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$"
MAX_SEED = 2**31 - 1


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # JSON may spell half a surrogate pair, which no vendor's request can carry.
        raise PydanticCustomError("half_character", "the text contains half a character") from None
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Name = Annotated[Text, Field(max_length=100)]


class _Body(BaseModel):
    # A misspelt wish must not become a paid picture that ignores it: unknown fields are refused.
    model_config = ConfigDict(extra="forbid", strict=True)


class ClassifyBody(_Body):
    """Exactly one of `prompt` and `prompts`."""

    prompt: Text | None = Field(default=None, description="One prompt.")
    prompts: list[Text] | None = Field(default=None, description="Many prompts; the answer keeps their order.")
    explain: bool = Field(default=False, description="Say what moved each decision; for 8 prompts at most.")


class GenerateBody(WishFields):
    """An image to be drawn. Only `prompt` is needed; a null is the same as leaving the field out."""

    prompt: Text = Field(description="What to draw.")
    model: Name | None = Field(
        default=None, description='A model\'s name from /v1/models; "auto" or nothing routes by intent.'
    )
    n: int | None = Field(default=None, ge=1, description="How many pictures; 1 by default.")
    size: str | None = Field(default=None, pattern=SIZE_PATTERN, description='Pixels, such as "1024x1024", or "auto".')
    quality: Quality | None = Field(
        default=None, description='"high" (or "hd") on a preview asks for the final picture.'
    )
    response_format: Literal["url", "b64_json"] | None = Field(default=None, description='"url" by default.')
    output_format: Literal["png", "jpeg", "webp"] | None = Field(
        default=None, description="Where the model can choose."
    )
    background: Literal["auto", "opaque", "transparent"] | None = Field(
        default=None, description='"transparent" goes to models that can, as PNG or WebP, where the route has one.'
    )
    user: Text | None = Field(
        default=None, max_length=512, description="Your end user's id, passed on to vendors that take one."
    )
    aspect_ratio: str | None = Field(default=None, pattern=RATIO_PATTERN, description='Such as "16:9", or "auto".')
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED, description="Where the model takes one.")
    negative_prompt: Text | None = Field(default=None, description="What not to draw, where the model takes it.")
    intent: Name | None = Field(
        default=None, description="Overrides the classifier: preview, text_heavy or complex_logic."
    )


class FeatureNote(BaseModel):
    """What a surface feature adds to the log-odds."""

    name: str
    value: float = Field(description="0 to 1; 0 where the prompt does not show the feature.")
    contribution: float


class WordNote(BaseModel):
    """What a word does to the log-odds."""

    text: str = Field(description="A word; a span of words in prompts of more than 60.")
    effect: float = Field(description="How far the log-odds fall when it is left out.")


class ExplanationNote(BaseModel):
    """`bias`, `embedding` and the features' contributions add up to `log_odds`; the words' effects need not."""

    runner_up: str
    log_odds: float = Field(description="Natural logarithm of the odds of `intent` against `runner_up`.")
    bias: float
    embedding: float
    features: list[FeatureNote] = Field(description="All of them, the weightiest first.")
    words: list[WordNote] = Field(description="The prompt as the classifier reads it, in order.")


class Decision(BaseModel):
    """A classified prompt. `intent` is the top label also when `abstained`."""

    intent: str
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    ood: float = Field(description="0 to 100: the percentage of training prompts that are less strange than this one.")
    explanation: ExplanationNote | None = Field(default=None, exclude_if=lambda value: value is None)

    @classmethod
    def of(cls, prediction: Prediction, explanation: Explanation | None = None) -> Self:
        """The prediction as callers see it, with what moved it if that was asked for."""
        return cls(
            intent=prediction.intent,
            confidence=prediction.confidence,
            probabilities=prediction.probabilities,
            abstained=prediction.abstained,
            ood=prediction.ood,
            explanation=None if explanation is None else ExplanationNote.model_validate(explanation.to_json()),
        )


class ClassifyResponse(BaseModel):
    """One decision a prompt, in order."""

    object: Literal["list"] = "list"
    data: list[Decision]
    model_version: str = Field(description="The bundle's SHA-256.")


class CandidateNote(BaseModel):
    """A model that was considered, and why it was taken or thrown out."""

    model: str
    taken: bool
    reason: str


class AttemptNote(BaseModel):
    """One call to one model; `outcome` is "ok", an error's kind, "deadline_exceeded" or "crash"; `cost_usd` at most."""

    model: str
    vendor_model: str
    outcome: str
    status: int | None
    ms: float
    cost_usd: float
    billed: Literal["yes", "no", "unknown"]


class Routing(BaseModel):
    """The whole decision: what the prompt was taken for, who drew it, why, and what it cost.

    `request_id` is what feedback names; `parent_id` the picture that this one is the export of. `model` is the logical
    name, `vendor_model` the id that was called; both are null when nothing was drawn.
    """

    request_id: str
    parent_id: str | None = Field(default=None, exclude_if=lambda value: value is None)
    intent: str | None
    confidence: float | None
    probabilities: dict[str, float] | None
    abstained: bool | None
    model: str | None
    vendor_model: str | None
    provider: str | None
    reason: str
    candidates: list[CandidateNote]
    attempts: list[AttemptNote]
    cost_usd: float
    classifier_version: str | None
    sandbox: bool
    warnings: list[str]

    @classmethod
    def of(cls, job: Job, *, classifier_version: str | None, sandbox: bool) -> Self:
        """The decision of a job that has come to its end, with pictures or without."""
        seen = job.prediction
        row = job.chosen.row if job.chosen else None
        return cls(
            request_id=job.request_id,
            parent_id=job.parent_id,
            intent=job.route.intent,
            confidence=seen.confidence if seen else None,
            probabilities=seen.probabilities if seen else None,
            abstained=seen.abstained if seen else None,
            model=job.chosen.model if job.chosen else None,
            vendor_model=row.vendor_model if row else None,
            provider=row.provider if row else None,
            reason=job.route.reason,
            candidates=[CandidateNote.model_validate(c, from_attributes=True) for c in job.route.candidates],
            attempts=[AttemptNote.model_validate(a, from_attributes=True) for a in job.attempts],
            cost_usd=round(sum(attempt.cost_usd for attempt in job.attempts), 6),
            classifier_version=classifier_version,
            sandbox=sandbox,
            warnings=list(job.warnings),
        )


class ImageEntry(BaseModel):
    """One picture: a lasting `url` here, or the bytes in base64 when they were asked for."""

    id: str
    url: str | None = Field(default=None, exclude_if=lambda value: value is None)
    b64_json: str | None = Field(default=None, exclude_if=lambda value: value is None)
    revised_prompt: str | None = Field(default=None, exclude_if=lambda value: value is None)
    seed: int | None = Field(default=None, exclude_if=lambda value: value is None)


class GenerateResponse(BaseModel):
    """The pictures, and the decision that chose their model. `created` is in seconds since 1970."""

    created: int
    data: list[ImageEntry]
    routing: Routing


class ModelEntry(BaseModel):
    """A model as callers may name it; `vendor_model` is what would be called for it today."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str
    status: str
    shutdown_date: str | None = None
    successor: str | None = None
    vendor_model: str | None = None
    available: bool
    reason: str | None = Field(default=None, description="Why it is not available.")


class ModelList(BaseModel):
    """Every model of the catalogue, after "auto" and the intents."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ProviderState(BaseModel):
    """Whether a provider can be called, and what is missing if not."""

    ready: bool
    reason: str | None = None


class Readiness(BaseModel):
    """Whether prompts can be classified and drawn, and what an operator should know."""

    status: Literal["ready", "not_ready"]
    classifier_version: str | None
    sandbox: bool
    providers: dict[str, ProviderState]
    warnings: list[str]


class ErrorDetail(BaseModel):
    """OpenAI's four keys."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(BaseModel):
    """Every error; `routing` is there when models were tried or considered."""

    error: ErrorDetail
    routing: Routing | None = Field(default=None, exclude_if=lambda value: value is None)
