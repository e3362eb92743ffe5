"""What may stand in the fields of a manifest.

A manifest is JSON that somebody may have edited: a threshold of 2 abstains always, one of NaN never, and neither is
noticed before a prompt is answered.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from classifier.errors import BundleError

# Tokenizers count in 32 bits.
_MOST_TOKENS = 2**31 - 1


def check_fields(row: Mapping[str, Any]) -> None:
    """Hold a manifest's row, read from JSON, against what each field is.

    Raises:
        BundleError: a field is missing, is none of ours, or holds what it cannot hold; the message names it.
    """
    _check(row, _FIELDS, "")
    _check(row["encoder"], _ENCODER, "encoder.")
    for number, canary in enumerate(row["canaries"]):
        _check(canary, _CANARY, f"canaries[{number}].")
        if len(canary["probabilities"]) != len(row["labels"]):
            raise BundleError(
                f"canaries[{number}].probabilities has {len(canary['probabilities'])} entries for "
                f"{len(row['labels'])} labels"
            )


def _check(row: Any, fields: _Fields, where: str) -> None:
    if not isinstance(row, dict):
        raise BundleError(f"{where.rstrip('.')} must be an object, not {reprlib.repr(row)}")
    for name in sorted(row.keys() ^ fields.keys()):
        raise BundleError(f"{where}{name} is {'missing' if name in fields else 'no field of it'}")
    for name, (what, holds) in fields.items():
        if not holds(row[name]):
            raise BundleError(f"{where}{name} must be {what}, not {reprlib.repr(row[name])}")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _whole(value: Any) -> bool:
    # True is an int to Python, and a number to nobody.
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


def _share(value: Any) -> bool:
    return _number(value) and 0 <= value <= 1


def _shares(value: Any) -> bool:
    return isinstance(value, list) and all(map(_share, value))


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _list(value: Any) -> bool:
    return isinstance(value, list)


def _hashes(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


_Fields = Mapping[str, tuple[str, Callable[[Any], bool]]]

_FIELDS: _Fields = {
    "format": ("a whole number", _whole),
    "labels": ("a list of strings", _texts),
    "encoder": ("an object", _object),
    "temperature": ("a finite number above 0", lambda value: _number(value) and value > 0),
    "threshold": ("a finite number within [0, 1]", _share),
    "seed": ("a whole number", _whole),
    "data": ("an object", _object),
    "metrics": ("an object", _object),
    "libraries": ("an object", _object),
    "scripts": ("a list of strings", _texts),
    "canaries": ("a list", _list),
    "files": ("an object of strings", _hashes),
}
_ENCODER: _Fields = {
    "name": ("a string", _text),
    "revision": ("a string", _text),
    "sha256": ("a string", _text),
    "dim": ("a whole number above 0", lambda value: _whole(value) and value > 0),
    "max_tokens": ("a whole number above 0", lambda value: _whole(value) and 0 < value <= _MOST_TOKENS),
}
_CANARY: _Fields = {
    "prompt": ("a string", _text),
    "probabilities": ("a list of numbers within [0, 1]", _shares),
}
