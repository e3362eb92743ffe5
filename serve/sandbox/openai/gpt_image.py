"""The GPT Image family: sizes by rule, qualities by generation, always base64, priced by output tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Order
from serve.sandbox.fields import Fields, mapping, one_of, whole, words, yes_or_no
from serve.sandbox.openai.errors import check_fields, invalid

# Output tokens of one picture by quality. Published for 2.5; 2's are its prices in tokens; 2.6's are not published and
# taken to be 2.5's. One count whatever the size, as the vendor's lists differ by size only a little.
_TOKENS_2 = {"low": 200, "medium": 1767, "high": 7033}
_TOKENS_2_5 = {"low": 196, "medium": 439, "high": 1756, "xhigh": 3122, "max": 7024}
_TOKENS: Mapping[str, Mapping[str, int]] = {
    "gpt-image-2": _TOKENS_2,
    "gpt-image-2.5-flare": _TOKENS_2_5,
    "gpt-image-2.5-sunburst": _TOKENS_2_5,
    "gpt-image-2.6-flare": _TOKENS_2_5,
    "gpt-image-2.6-sunburst": _TOKENS_2_5,
}
MODELS = tuple(_TOKENS)

_USD_A_TOKEN = 30 / 1_000_000
_EDGE, _STEP, _STRETCH = 3840, 16, 3
_FEWEST_PIXELS, _MOST_PIXELS = 655_360, 8_294_400


def take_order(body: Mapping[str, Any]) -> Order:
    """The order in `body`; `terms` are what the answer repeats of it, and its token counts.

    Raises:
        RefusedError: this GPT Image model does not take this request.
    """
    tokens = _TOKENS[body["model"]]
    check_fields(body, _fields(tokens))
    _check_gated(body)
    _check_finish(body)
    width, height = _size(body.get("size") or "auto")
    quality = body.get("quality") or "auto"
    terms = _terms(body, f"{width}x{height}", "medium" if quality == "auto" else quality)
    count = body.get("n") or 1
    sketches = tuple(_sketch(body, width, height, index) for index in range(count))
    drawn = tokens[terms["quality"]] * count
    return Order(body["model"], body["prompt"], sketches, round(drawn * _USD_A_TOKEN, 6), terms | _usage(body, drawn))


def _fields(tokens: Mapping[str, int]) -> Fields:
    return {
        "model": one_of(*MODELS),
        "prompt": words(32_000),
        "n": whole(1, 10),
        "size": words(20),
        "quality": one_of("auto", *tokens),
        "background": one_of("auto", "opaque", "transparent"),
        "output_format": one_of("png", "jpeg", "webp", "gif", "svg"),
        "output_compression": whole(0, 100),
        "moderation": one_of("auto", "low"),
        "complexity": one_of("low", "medium", "high"),
        "partial_images": whole(0, 3),
        "stream": yes_or_no,
        "safety_identifier": words(4096),
        "user": words(4096),
        "frame_count": whole(2, 16),
        "frame_duration_ms": whole(1, 655_350),
        "svg": mapping,
    }


def _check_gated(body: Mapping[str, Any]) -> None:
    """What the vendor gives to some accounts only, or what this stand-in does not do: refused, never ignored."""
    if body.get("output_format") in ("gif", "svg"):
        raise invalid("output_format", f"This account has no access to '{body['output_format']}' output.")
    for name in ("frame_count", "frame_duration_ms", "svg"):
        if body.get(name) is not None:
            raise invalid(name, f"'{name}' goes with output formats that this account has no access to.")
    for name in ("stream", "partial_images"):
        if body.get(name):
            raise invalid(name, f"'{name}' is not offered by this stand-in: ask for the finished picture.")


def _check_finish(body: Mapping[str, Any]) -> None:
    finish = body.get("output_format") or "png"
    if body.get("background") == "transparent" and finish == "jpeg":
        raise invalid("background", "Transparent backgrounds need the output format 'png' or 'webp'.")
    compression = body.get("output_compression")
    if finish == "png" and compression is not None and compression < 100:
        raise invalid("output_compression", "Compression below 100 is not supported for the output format 'png'.")


def _size(size: str) -> tuple[int, int]:
    """Width and height in pixels."""
    if size == "auto":
        return 1024, 1024
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", size)
    if match is None:
        raise invalid("size", f"Invalid size '{size}'. Expected 'auto' or a size such as '1024x1024'.")
    width, height = int(match[1]), int(match[2])
    for broken, rule in _rules(width, height):
        if broken:
            raise invalid("size", f"Invalid size '{size}'. {rule}")
    return width, height


def _rules(width: int, height: int) -> tuple[tuple[bool, str], ...]:
    pixels = width * height
    return (
        (bool(width % _STEP or height % _STEP), f"Width and height must both be divisible by {_STEP}."),
        (max(width, height) > _EDGE, f"No edge may be longer than {_EDGE} pixels."),
        (max(width, height) > _STRETCH * min(width, height), "The aspect ratio must be between 1:3 and 3:1."),
        (pixels < _FEWEST_PIXELS, f"The image must have at least {_FEWEST_PIXELS} pixels."),
        (pixels > _MOST_PIXELS, f"The image must have at most {_MOST_PIXELS} pixels."),
    )


def _sketch(body: Mapping[str, Any], width: int, height: int, index: int) -> Sketch:
    return Sketch(
        body["model"],
        body["prompt"],
        width,
        height,
        legible=True,
        index=index,
        format=body.get("output_format") or "png",
        quality=100 if body.get("output_compression") is None else body["output_compression"],
        transparent=body.get("background") == "transparent",
    )


def _terms(body: Mapping[str, Any], size: str, quality: str) -> dict[str, Any]:
    terms = {
        "background": "transparent" if body.get("background") == "transparent" else "opaque",
        "output_format": body.get("output_format") or "png",
        "quality": quality,
        "size": size,
    }
    identifier = body.get("safety_identifier") or body.get("user")
    return terms | ({"safety_identifier": identifier} if identifier else {})


def _usage(body: Mapping[str, Any], drawn: int) -> dict[str, Any]:
    asked = max(1, len(body["prompt"]) // 4)
    usage = {
        "input_tokens": asked,
        "input_tokens_details": {"text_tokens": asked, "image_tokens": 0},
        "output_tokens": drawn,
        "output_tokens_details": {"image_tokens": drawn, "text_tokens": 0},
        "total_tokens": asked + drawn,
    }
    return {"usage": usage}
