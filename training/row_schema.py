"""What one row of a prompt file must look like, and what to do where it does not.

A row is a JSON object with the keys `prompt, intent, group, tags, origin, language` and, where a careful reader could
have chosen another label, `second`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from classifier.text import normalise

REQUIRED_KEYS = ("prompt", "intent", "group", "tags", "origin", "language")
KEYS = (*REQUIRED_KEYS, "second")

_LANGUAGE = re.compile("[a-z]{2,3}")
_JSON_NAMES = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
    str: "a string",
}


@dataclass(frozen=True)
class RowProblem:
    """One thing wrong in one row: its 1-based line, the field (`json` for the whole line), and what to do about it."""

    line: int
    field: str
    message: str


def row_problems(line: int, record: Mapping[str, object], classes: Sequence[str]) -> list[RowProblem]:
    """Every way in which `record` is not a training row with a label among `classes`; empty for a good row."""
    checks = _checks(classes)
    found = [(key, f"unknown key: remove it (known: {', '.join(KEYS)})") for key in record if key not in KEYS]
    found += [(key, "missing: add it") for key in REQUIRED_KEYS if key not in record]
    found += [(key, message) for key in KEYS if key in record and (message := checks[key](record[key]))]
    if not found and record.get("second") == record["intent"]:
        found.append(("second", f"equal to intent ({record['intent']!r}): name the other label, or leave it out"))
    return [RowProblem(line, key, message) for key, message in found]


def _checks(classes: Sequence[str]) -> dict[str, Callable[[object], str | None]]:
    return {
        "prompt": partial(_text_problem, remedy="write the prompt, or remove the row"),
        "intent": partial(_intent_problem, classes=classes),
        "second": lambda value: None if value is None else _intent_problem(value, classes),
        "group": partial(_text_problem, remedy="give the row a group of its own, or its pair's"),
        "tags": _tags_problem,
        "origin": partial(_text_problem, remedy="say where the prompt comes from"),
        "language": _language_problem,
    }


def _text_problem(value: object, remedy: str) -> str | None:
    if not isinstance(value, str):
        return f"expected a string, got {_json_name(value)}: {remedy}"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "half of a surrogate pair, which no UTF-8 file can hold: write the whole character"
    return None if normalise(value) else f"empty: {remedy}"


def _intent_problem(value: object, classes: Sequence[str]) -> str | None:
    if isinstance(value, str) and value in classes:
        return None
    shown = repr(value) if isinstance(value, str) else _json_name(value)
    return f"{shown} is no intent: use one of {', '.join(classes)}"


def _tags_problem(value: object) -> str | None:
    if not isinstance(value, list):
        return f'expected an array of strings, got {_json_name(value)}: write ["..."], or [] for none'
    for tag in value:
        if problem := _text_problem(tag, remedy="name the tag, or leave it out"):
            return f"a tag is wrong: {problem}"
    repeated = sorted({tag for tag in value if value.count(tag) > 1})
    return f"repeated: {', '.join(map(repr, repeated))}: list each tag once" if repeated else None


def _language_problem(value: object) -> str | None:
    if isinstance(value, str) and _LANGUAGE.fullmatch(value):
        return None
    shown = repr(value) if isinstance(value, str) else _json_name(value)
    return f"{shown} is no language code: use two or three lower-case letters (ISO 639), such as en"


def _json_name(value: object) -> str:
    return _JSON_NAMES.get(type(value), "null")
