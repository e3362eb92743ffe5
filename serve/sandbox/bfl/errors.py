"""Black Forest Labs' errors: a sentence, or the list of fields that a validator of requests complains of."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from serve.sandbox.desk import RefusedError, Reply
from serve.sandbox.fields import Fields, Flaw, first_flaw

_MESSAGES = {
    "unknown": "Extra inputs are not permitted",
    "missing": "Field required",
    "type": "Input should be {expected}, got {got}",
    "choice": "Input should be {expected}",
    "below": "Input should be greater than or equal to {expected}",
    "above": "Input should be less than or equal to {expected}",
    "empty": "String should have at least {expected} character",
    "long": "String should have at most {expected} characters",
}


def check_key(request: Request) -> None:
    """Refuse a request without `x-key`, or with the key `invalid`."""
    if request.headers.get("x-key", "").strip() in ("", "invalid"):
        raise RefusedError(Reply(403, {"detail": "Not authenticated"}))


def invalid(name: str, message: str) -> RefusedError:
    """A 422 over one field of the body."""
    detail = {"type": "value_error", "loc": ["body", name], "msg": message}
    return RefusedError(Reply(422, {"detail": [detail]}))


def check_object(payload: object, fields: Fields) -> dict[str, Any]:
    """`payload` as an object of known fields with a prompt."""
    if not isinstance(payload, dict):
        raise RefusedError(
            Reply(422, {"detail": [{"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error"}]})
        )
    if payload.get("prompt") is None:
        raise _flawed("prompt", Flaw("missing"))
    found = first_flaw(payload, fields)
    if found is not None:
        raise _flawed(*found)
    return {name: part for name, part in payload.items() if part is not None}


def _flawed(name: str, flaw: Flaw) -> RefusedError:
    return invalid(name, _MESSAGES[flaw.kind].format(expected=flaw.expected, got=flaw.got))
