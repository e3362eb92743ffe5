"""OpenAI's error envelope, and the words its API has for each mistake."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from serve.sandbox.desk import RefusedError, Reply
from serve.sandbox.fields import Fields, Flaw, first_flaw

_CODES = {
    "unknown": "unknown_parameter",
    "missing": "missing_required_parameter",
    "type": "invalid_type",
    "choice": "invalid_value",
    "below": "integer_below_min_value",
    "above": "integer_above_max_value",
    "empty": "empty_string",
    "long": "string_above_max_length",
}
_MESSAGES = {
    "unknown": "Unknown parameter: '{name}'.",
    "missing": "Missing required parameter: '{name}'.",
    "type": "Invalid type for '{name}': expected {expected}, but got {got} instead.",
    "choice": "Invalid value: '{got}'. Supported values are: {expected}.",
    "below": "Invalid '{name}': integer below minimum value. Expected a value >= {expected}, but got {got} instead.",
    "above": "Invalid '{name}': integer above maximum value. Expected a value <= {expected}, but got {got} instead.",
    "empty": "Invalid '{name}': empty string. Expected a string with minimum length {expected}.",
    "long": "Invalid '{name}': string too long. Expected at most {expected} characters, but got {got} instead.",
}


def envelope(
    status: int,
    message: str,
    *,
    type_: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """`{"error": {"message", "type", "param", "code"}}`, all four keys always there; `more` adds keys to the error."""
    error = {"message": message, "type": type_, "param": param, "code": code, **(more or {})}
    return Reply(status, {"error": error}, {"x-request-id": request_id(), **(headers or {})})


def request_id() -> str:
    """A new id for the `x-request-id` header, which every answer carries."""
    return f"req_{uuid.uuid4().hex}"


def invalid(param: str, message: str, code: str = "invalid_value") -> RefusedError:
    """A 400 over one parameter."""
    return RefusedError(envelope(400, message, code=code, param=param))


def check_fields(body: Mapping[str, Any], fields: Fields) -> None:
    """Refuse the first field that the model does not take or that holds what it must not."""
    if body.get("prompt") is None:
        raise _flawed("prompt", Flaw("missing"))
    found = first_flaw(body, fields)
    if found is not None:
        raise _flawed(*found)


def _flawed(name: str, flaw: Flaw) -> RefusedError:
    message = _MESSAGES[flaw.kind].format(name=name, expected=flaw.expected, got=flaw.got)
    return invalid(name, message, _CODES[flaw.kind])
