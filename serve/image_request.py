"""One image request in three spellings: the caller's, one model's, and what comes back for it. Frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from serve.catalog import Model, Quality

Background = Literal["opaque", "transparent"]


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What the caller wants, in no vendor's words. `aspect_ratio` is "w:h", `size` is "WxH" in pixels."""

    prompt: str
    n: int = 1
    aspect_ratio: str | None = None
    size: str | None = None
    quality: Quality = "auto"
    seed: int | None = None
    negative_prompt: str | None = None
    output_format: str | None = None
    user: str | None = None
    background: Background | None = None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """The request as one model can honour it: `shape` and `quality` are in the vendor's spelling."""

    prompt: str
    n: int
    shape: str
    quality: str | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    output_format: str | None = None
    user: str | None = None
    background: Background | None = None


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """A catalogue row made callable: the host it is reached at and the key it is called with."""

    row: Model
    base_url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """One picture from a vendor: `data` holds its bytes, or `url` says where they are for a while."""

    data: bytes | None = None
    url: str | None = None
    revised_prompt: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a vendor's answer says that the whole call used; None for what it does not say.

    `usd` is the vendor's own bill, in US dollars; the rest are counts of tokens.
    """

    text_input_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    text_output_tokens: int | None = None
    usd: float | None = None
