"""Fields of the gateway's own endpoints: OpenAI's contract, exports, feedback and figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from serve.answers import KeptAnswer, KeptImage, KeptUsage, entries
from serve.schemas import RATIO_PATTERN, SIZE_PATTERN, GenerateBody, GenerateResponse, Name, Routing, Text
from serve.store import Stats
from serve.wish_schemas import WishFields

OpenAiQuality = Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"]
_Compression = Annotated[int, Field(ge=0, le=100)]
_Partials = Annotated[int, Field(ge=0, le=3)]
_ASKED = {"standard": "medium", "hd": "high", "xhigh": "high", "max": "high"}


def _is_none(value: object) -> bool:
    return value is None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ImagesBody(GenerateBody):
    """`POST /v1/images/generations` as OpenAI's SDK sends it, with our own wishes beside its fields.

    What no model is asked for (`moderation`, `style`, ...) is dropped, and the answer warns of it.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "auto", "prompt": "banner: SALE 50% OFF, bold orange letters", "size": "1536x1024"},
                {"model": "preview", "prompt": "mockup of a sneaker on a podium", "n": 2, "response_format": "url"},
                {"model": "gpt-image-2.5-flare", "prompt": "a fox sticker", "background": "transparent"},
                {"prompt": "a fox", "optimize": {"cost": 1}, "max_cost": 0.05, "deadline_ms": 20000, "stream": True},
            ]
        }
    )

    model: Name | None = Field(
        default=None, description='"auto" (or nothing), an intent such as "preview", or any model of /v1/models.'
    )
    quality: OpenAiQuality | None = Field(default=None, description="xhigh and max are asked for as high.")  # type: ignore[assignment]
    response_format: Literal["url", "b64_json"] | None = Field(default=None, description='"b64_json" by default.')
    stream: bool | None = Field(default=None, description="Server-sent events: one a picture, as soon as it is there.")
    partial_images: _Partials | None = Field(default=None, description="Taken, and none are sent: only whole ones.")
    safety_identifier: Text | None = Field(default=None, max_length=512, description="OpenAI's new name for `user`.")
    moderation: Literal["auto", "low"] | None = Field(default=None, description="Dropped, with a warning.")
    output_compression: _Compression | None = Field(default=None, description="Dropped, with a warning.")
    style: Literal["vivid", "natural"] | None = Field(default=None, description="Dropped, with a warning.")
    complexity: Literal["low", "medium", "high"] | None = Field(default=None, description="Dropped, with a warning.")


class InputTokens(BaseModel):
    """Of a prompt."""

    text_tokens: int
    image_tokens: int


class OutputTokens(BaseModel):
    """Of an answer."""

    image_tokens: int
    text_tokens: int


class TokenUsage(BaseModel):
    """What the vendor counted, in OpenAI's shape."""

    input_tokens: int
    input_tokens_details: InputTokens
    output_tokens: int
    output_tokens_details: OutputTokens
    total_tokens: int

    @classmethod
    def of(cls, kept: KeptUsage) -> Self:
        """The counts with their sums."""
        into, out = kept.text_input + kept.image_input, kept.text_output + kept.image_output
        return cls(
            input_tokens=into,
            input_tokens_details=InputTokens(text_tokens=kept.text_input, image_tokens=kept.image_input),
            output_tokens=out,
            output_tokens_details=OutputTokens(image_tokens=kept.image_output, text_tokens=kept.text_output),
            total_tokens=into + out,
        )


class ImagesResponse(GenerateResponse):
    """OpenAI's shape; `routing` is ours, and reaches users of its SDK as `response.model_extra["routing"]`.

    What is not known is left out: OpenAI's clients take it for null.
    """

    background: Literal["transparent", "opaque"] | None = Field(default=None, exclude_if=_is_none)
    output_format: str | None = Field(default=None, exclude_if=_is_none, description="Of the first picture's bytes.")
    quality: str | None = Field(default=None, exclude_if=_is_none, description="As it was asked for.")
    size: str | None = Field(default=None, exclude_if=_is_none, description="Of the first picture, in pixels.")
    usage: TokenUsage | None = Field(
        default=None, exclude_if=_is_none, description="Where the vendor counts tokens; the bill is in `routing`."
    )

    @classmethod
    def of(cls, answer: KeptAnswer, body: ImagesBody, base: str) -> Self:
        """The pictures of an answer: links below `base` where the body asks for them, else fields to be filled."""
        first = answer.images[0]
        return cls(
            created=answer.created,
            data=entries(answer, body.response_format != "url", base),
            routing=answer.routing,
            background=answer.background,
            output_format=_format(first),
            quality=_quality(body),
            size=_size(first),
            usage=None if answer.usage is None else TokenUsage.of(answer.usage),
        )


class CompletedEvent(BaseModel):
    """One picture of a stream, in OpenAI's shape; `id`, `url` and `routing` are ours."""

    type: Literal["image_generation.completed"] = "image_generation.completed"
    b64_json: str
    created_at: int
    size: str
    quality: str
    background: str
    output_format: str
    usage: TokenUsage = Field(description="Of all the pictures together; zeros where the vendor counts no tokens.")
    id: str
    url: str
    routing: Routing

    @classmethod
    def of(cls, answer: KeptAnswer, image: KeptImage, body: ImagesBody, base: str) -> Self:
        """One picture of an answer; its `b64_json` is to be filled."""
        return cls(
            b64_json="",
            created_at=answer.created,
            size=_size(image),
            quality=_quality(body) or "auto",
            background=answer.background or "auto",
            output_format=_format(image),
            usage=TokenUsage.of(answer.usage or KeptUsage()),
            id=image.id,
            url=f"{base}/{image.id}",
            routing=answer.routing,
        )


def _size(image: KeptImage) -> str:
    return f"{image.width}x{image.height}"


def _format(image: KeptImage) -> str:
    return image.media_type.removeprefix("image/")


def _quality(body: ImagesBody) -> str | None:
    asked = body.quality
    return None if asked in (None, "auto") else _ASKED.get(str(asked), str(asked))


class ExportBody(WishFields):
    """How the final picture shall come; nothing at all renders it by the export model of its intent."""

    model: Name | None = Field(default=None, description="Another model than the route's export model.")
    size: str | None = Field(default=None, pattern=SIZE_PATTERN, description="Other pixels than the preview's.")
    aspect_ratio: str | None = Field(
        default=None, pattern=RATIO_PATTERN, description="Another shape than the preview's."
    )
    output_format: Literal["png", "jpeg", "webp"] | None = Field(
        default=None, description="Another format than the preview was asked for in; no jpeg is transparent."
    )
    response_format: Literal["url", "b64_json"] | None = Field(default=None, description='"url" by default.')


class FeedbackBody(_Body):
    """An opinion on a picture or on a whole answer. Said again, it replaces what was said before."""

    image_id: Name | None = Field(default=None, description="A picture's id; or:")
    request_id: Name | None = Field(default=None, description="`routing.request_id` of an answer.")
    thumb: Literal["up", "down"] | None = None
    right_intent: Name | None = Field(default=None, description="What the prompt should have been taken for.")
    comment: Text | None = Field(default=None, max_length=2000)


class StatsResponse(BaseModel):
    """Figures of this service's traffic; milliseconds and US dollars, shares from 0 to 1."""

    since: float | None = Field(description="Seconds since 1970; null counts everything.")
    totals: dict[str, Any]
    models: list[dict[str, Any]]
    preview: dict[str, Any] = Field(description="Previews answered in under `target_ms`, and their share.")
    breakers: dict[str, Any]
    lanes: dict[str, Any] = Field(description="Pictures in flight and requests waiting, by provider.")
    predictions: dict[str, int] | None = Field(
        default=None,
        description="Prompts `asked` about, `hits` known from before, those `held`; null where nobody serves.",
    )

    @classmethod
    def of(
        cls, stats: Stats, breakers: dict[str, Any], lanes: dict[str, Any], predictions: dict[str, int] | None = None
    ) -> StatsResponse:
        """The store's figures with the present state of breakers, queues and remembered predictions."""
        preview = {
            "target_ms": stats.target_ms,
            "requests": stats.previews,
            "in_time": stats.previews_in_time,
            "share": stats.preview_share,
        }
        totals = asdict(stats.totals) | {"requests": stats.totals.requests}
        models = [asdict(row) for row in stats.models]
        return cls(
            since=stats.since,
            totals=totals,
            models=models,
            preview=preview,
            breakers=breakers,
            lanes=lanes,
            predictions=predictions,
        )
