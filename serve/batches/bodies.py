"""The request for one prompt, from options and from a row's own fields; what cannot be meant is told in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from classifier.rows import RowFormat
from serve.catalog import Quality
from serve.errors import InvalidRequestError
from serve.schemas import MAX_SEED, GenerateBody

# What a row may ask for; how its pictures come back is ours to say.
ROW_FIELDS = frozenset(GenerateBody.model_fields) - {"prompt", "response_format"}
_NAMES = "a list of names of models or providers, which only .jsonl can hold"
_EXPECTED = {
    "size": "pixels as WxH, such as 1024x1024, or auto",
    "aspect_ratio": "W:H, such as 16:9, or auto",
    "quality": f"one of {', '.join(get_args(Quality))}",
    "output_format": "png, jpeg or webp",
    "background": "auto, opaque or transparent",
    "n": "a whole number, 1 or more",
    "seed": f"a whole number from 0 to {MAX_SEED}",
    "optimize": 'weights, 0 or more, of quality, speed and cost, such as quality=1,cost=2; in .jsonl {"cost": 2}',
    "max_cost": "US dollars, 0 or more",
    "deadline_ms": "milliseconds, from 1 to 86400000",
    "model": "a name of at most 100 characters",
    "intent": "a name of at most 100 characters",
    "user": "a text of at most 512 characters",
    "negative_prompt": "a text",
    "allow": _NAMES,
    "deny": _NAMES,
}
# Our own word about a text that cannot be sent; all others are the validator's.
_SAID_BY_US = "half_character"


def read_body(prompt: str, options: Mapping[str, Any], wishes: Mapping[str, Any]) -> GenerateBody:
    """The request for one item. The same fields make the same bytes, in process and over HTTP.

    Raises:
        InvalidRequestError: a field cannot be meant; `param` names it.
    """
    fields = {"prompt": prompt, "response_format": "b64_json", **options, **wishes}
    try:
        return GenerateBody.model_validate(fields)
    except ValidationError as error:
        raise _told(error) from None


def read_row_options(fields: Mapping[str, Any], kind: RowFormat) -> dict[str, Any]:
    """What a row's own fields ask for. A CSV has nothing but texts: a number in it is read as one.

    Raises:
        InvalidRequestError: a field cannot be meant; `param` names it.
    """
    read = GenerateBody.model_validate_strings if kind == "csv" else GenerateBody.model_validate
    try:
        body = read({"prompt": "any prompt", **fields})
    except ValidationError as error:
        raise _told(error) from None
    return body.model_dump(include=set(fields), exclude_unset=True)


def _told(error: ValidationError) -> InvalidRequestError:
    """What the validator found first, in our words: what to write."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = str(first["loc"][0])
    if first["type"] == _SAID_BY_US or field not in _EXPECTED:
        return InvalidRequestError(first["msg"], param=field)
    return InvalidRequestError(f"expected {_EXPECTED[field]}", param=field)
