"""What a field of a vendor's request may hold, and what is wrong with one that does not, in no vendor's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with one field. `expected` says what would have been right, `got` what came."""

    kind: Literal["unknown", "missing", "type", "choice", "below", "above", "empty", "long"]
    expected: str = ""
    got: str = ""


Check = Callable[[object], Flaw | None]
Fields = dict[str, Check]


def first_flaw(body: Mapping[str, Any], fields: Fields) -> tuple[str, Flaw] | None:
    """The first field of `body` that is unknown or wrong, with its flaw. A null counts as left out."""
    for name, value in body.items():
        if name not in fields:
            return name, Flaw("unknown")
        flaw = None if value is None else fields[name](value)
        if flaw is not None:
            return name, flaw
    return None


def one_of(*choices: str, any_case: bool = False) -> Check:
    """One of `choices`; with `any_case`, however it is capitalised."""
    known = {choice.upper() for choice in choices} if any_case else set(choices)

    def check(value: object) -> Flaw | None:
        if not isinstance(value, str):
            return Flaw("type", "a string", _kind_of(value))
        return None if (value.upper() if any_case else value) in known else Flaw("choice", _listed(choices), value)

    return check


def whole(low: int, high: int) -> Check:
    """A whole number from `low` to `high`."""

    def check(value: object) -> Flaw | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return Flaw("type", "an integer", _kind_of(value))
        if value < low:
            return Flaw("below", str(low), str(value))
        return Flaw("above", str(high), str(value)) if value > high else None

    return check


def words(longest: int) -> Check:
    """A string of 1 to `longest` characters, not all of them white space."""

    def check(value: object) -> Flaw | None:
        if not isinstance(value, str):
            return Flaw("type", "a string", _kind_of(value))
        if not value.strip():
            return Flaw("empty", "1", "an empty string")
        return Flaw("long", str(longest), str(len(value))) if len(value) > longest else None

    return check


def yes_or_no(value: object) -> Flaw | None:
    """A boolean."""
    return None if isinstance(value, bool) else Flaw("type", "a boolean", _kind_of(value))


def number(value: object) -> Flaw | None:
    """Any number."""
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    return None if fine else Flaw("type", "a number", _kind_of(value))


def mapping(value: object) -> Flaw | None:
    """An object, of whatever is in it."""
    return None if isinstance(value, dict) else Flaw("type", "an object", _kind_of(value))


def listing(value: object) -> Flaw | None:
    """An array, of whatever is in it."""
    return None if isinstance(value, list) else Flaw("type", "an array", _kind_of(value))


def _listed(choices: tuple[str, ...]) -> str:
    quoted = [repr(choice) for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _kind_of(value: object) -> str:
    kinds = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds.get(type(value), "null")
