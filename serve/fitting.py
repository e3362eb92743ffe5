"""What one model can honour of a request: refuse what it cannot draw, spell the rest its way, say what is dropped.

More pictures than one call gives are no reason to refuse: `requests_for` says which calls together give them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from serve.catalog import Model
from serve.errors import InvalidRequestError
from serve.image_request import ImageRequest, WireRequest

# Ideogram's range (its OpenAPI description); the other vendors that take a seed publish none that is narrower.
MAX_SEED = 2**31 - 1

_RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?):([0-9]{1,5}(?:\.[0-9]{1,4})?)")
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
# Three digits at least: Ideogram spells ratios "16x9".
PIXELS = re.compile(r"[0-9]{3,5}x[0-9]{3,5}")
_SQUARE = Fraction(1)
_SPELLING = {"aspect_ratio": (_RATIO, "16:9"), "size": (_SIZE, "1024x1024")}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model cannot draw a request: the field at fault and a short reason."""

    param: str
    reason: str


def refusal(request: ImageRequest, model: Model) -> str | None:
    """Why `model` cannot draw `request`, or None when it can."""
    refused = find_refusal(request, model)
    return None if refused is None else refused.reason


def find_refusal(request: ImageRequest, model: Model) -> Refusal | None:
    """Like `refusal`, with the name of the field at fault."""
    return _refuse_count(request.n) or _refuse_text(request, model) or _refuse_shape(request)


def calls_for(request: ImageRequest, model: Model) -> list[int]:
    """How many pictures each call to `model` asks for, in as few calls as give all of them."""
    full, rest = divmod(max(0, request.n), model.max_n)
    return [model.max_n] * full + [rest] * (rest > 0)


def requests_for(request: ImageRequest, model: Model) -> list[ImageRequest]:
    """The request of each call in `calls_for`.

    A seed grows by the pictures before it: the same one would draw the same pictures again, and bill them.
    """
    counts = calls_for(request, model)
    if counts == [request.n] and request.seed is None:
        return [request]
    before = [sum(counts[:call]) for call in range(len(counts))]
    return [
        replace(request, n=count, seed=None if request.seed is None else _advanced(request.seed, drawn))
        for count, drawn in zip(counts, before, strict=True)
    ]


def fit(request: ImageRequest, model: Model) -> tuple[WireRequest, tuple[str, ...]]:
    """The request in `model`'s own words, and a warning for every wish it cannot meet.

    `n` is passed on as it is: who calls a model fits each of `requests_for`, who asks for its price the whole request.

    Raises:
        InvalidRequestError: the model refuses the request (see `refusal`).
    """
    if (refused := find_refusal(request, model)) is not None:
        raise InvalidRequestError(f"{model.name} {refused.reason}", param=refused.param)
    warnings: list[str] = []
    wire = WireRequest(
        prompt=request.prompt,
        n=request.n,
        shape=_shape(request, model, warnings),
        quality=_quality(request, model, warnings),
        seed=request.seed if model.seed else None,
        negative_prompt=(request.negative_prompt or None) if model.negative_prompt else None,
        output_format=request.output_format if request.output_format in model.output_formats else None,
        user=(request.user or None) if model.user else None,
        background=request.background if model.transparent else None,
    )
    return wire, (*warnings, *_dropped(request, wire, model))


def _advanced(seed: int, pictures: int) -> int:
    # A seed out of range is refused elsewhere, by models that take one; here it stays what it is.
    return (seed + pictures) % (MAX_SEED + 1) if 0 <= seed <= MAX_SEED else seed


def _refuse_count(n: int) -> Refusal | None:
    return Refusal("n", f"draws at least 1 image, {n} were asked") if n < 1 else None


def _refuse_text(request: ImageRequest, model: Model) -> Refusal | None:
    length = len(request.prompt)
    if length > model.max_prompt_chars:
        return Refusal("prompt", f"reads at most {model.max_prompt_chars} characters, the prompt has {length}")
    if model.seed and request.seed is not None and not 0 <= request.seed <= MAX_SEED:
        return Refusal("seed", f"takes a seed from 0 to {MAX_SEED}, not {request.seed}")
    return None


def _refuse_shape(request: ImageRequest) -> Refusal | None:
    if (asked := _asked(request)) is None:
        return None
    try:
        _parse_ratio(*asked)
    except ValueError as error:
        return Refusal(asked[0], str(error))
    return None


def _asked(request: ImageRequest) -> tuple[str, str] | None:
    """The field that asks for a shape and its text; "auto" asks for nothing."""
    fields = (("aspect_ratio", request.aspect_ratio), ("size", request.size))
    return next(((param, text) for param, text in fields if text and text != "auto"), None)


def _parse_ratio(param: str, text: str) -> Fraction:
    pattern, example = _SPELLING[param]
    found = pattern.fullmatch(text)
    edges = (Fraction(found[1]), Fraction(found[2])) if found else (Fraction(0), Fraction(0))
    if not all(edges):
        raise ValueError(f"cannot read {param} {text[:20]!r}: write it like {example!r}")
    return edges[0] / edges[1]


def _shape(request: ImageRequest, model: Model, warnings: list[str]) -> str:
    asked = _asked(request)
    if asked is None:
        return model.shapes[_nearest(_SQUARE, tuple(model.shapes))]
    param, text = asked
    if param == "size" and PIXELS.fullmatch(text) and text in model.shapes.values():
        return text
    wanted = _parse_ratio(param, text)
    ratio = _nearest(wanted, tuple(model.shapes))
    if param == "size":
        warnings.append(f"asked {text}, {model.name} draws {_drawn(ratio, model)}")
    elif _value(ratio) != wanted:
        warnings.append(f"asked {text}, {model.name} draws {ratio}")
    return model.shapes[ratio]


def _drawn(ratio: str, model: Model) -> str:
    shape = model.shapes[ratio]
    return shape if PIXELS.fullmatch(shape) else f"{ratio} in pixels of its own choice"


# A request asks it of every candidate and more than once, and exact fractions are slow.
@lru_cache(maxsize=4096)
def _nearest(wanted: Fraction, ratios: tuple[str, ...]) -> str:
    """The ratio of the table that is stretched least; of two, the one that lies or stands as the wanted one does."""

    def stretch(ratio: str) -> tuple[Fraction, bool]:
        value = _value(ratio)
        return max(value / wanted, wanted / value), _lie(value) != _lie(wanted)

    return min(ratios, key=stretch)


def _lie(ratio: Fraction) -> int:
    """1 for a lying picture, -1 for a standing one, 0 for a square."""
    return (ratio > 1) - (ratio < 1)


def _value(ratio: str) -> Fraction:
    width, height = ratio.split(":")
    return Fraction(int(width), int(height))


def _quality(request: ImageRequest, model: Model, warnings: list[str]) -> str | None:
    if request.quality not in model.qualities and request.quality != "auto":
        warnings.append(f"quality {request.quality!r} dropped: {model.name} has no such setting")
    return model.qualities.get(request.quality, model.qualities.get("auto"))


def _dropped(request: ImageRequest, wire: WireRequest, model: Model) -> list[str]:
    """A warning for each wish that is not on the wire; the wishes are the caller's own words and not repeated."""
    wishes: list[tuple[str, object, object]] = [
        ("seed", request.seed, wire.seed),
        ("negative_prompt", request.negative_prompt or None, wire.negative_prompt),
        ("output_format", request.output_format, wire.output_format),
        ("user", request.user or None, wire.user),
        # Where no model draws transparent pictures, an opaque one is no wish that could be dropped.
        ("background", request.background if request.background == "transparent" else wire.background, wire.background),
    ]
    takes = {"output_format": " or ".join(model.output_formats)}
    return [
        f"{field} dropped: {model.name} takes {takes.get(field) or 'none'}"
        for field, wish, sent in wishes
        if wish != sent
    ]
