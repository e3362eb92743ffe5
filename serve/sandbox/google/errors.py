"""Google's error envelope, its API keys, and what both of its image surfaces answer alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from serve.sandbox.desk import RefusedError, Reply
from serve.sandbox.fields import Fields, Flaw, first_flaw

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES = "type.googleapis.com/google.rpc."


def envelope(status: int, message: str, *, details: tuple[Mapping[str, Any], ...] = ()) -> Reply:
    """`{"error": {"code", "message", "status"}}`, and `details` where there are any."""
    error: dict[str, Any] = {"code": status, "message": message, "status": _STATUSES.get(status, "UNKNOWN")}
    return Reply(status, {"error": error | ({"details": list(details)} if details else {})})


def invalid(message: str) -> RefusedError:
    """A 400 INVALID_ARGUMENT."""
    return RefusedError(envelope(400, message))


def failure(status: int, retry_after: int | None, code: str | None) -> Reply:
    """An injected error. Google says how long to wait in the body and promises no Retry-After header."""
    details: tuple[Mapping[str, Any], ...] = ()
    if code is not None:
        details += (error_info(code),)
    if retry_after is not None:
        details += ({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{retry_after}s"},)
    return envelope(status, f"The sandbox was told to answer with {status}.", details=details)


def error_info(reason: str) -> Mapping[str, Any]:
    """The detail that gives an error's reason in one word."""
    return {"@type": f"{_TYPES}ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def check_key(request: Request) -> None:
    """Refuse a request without `x-goog-api-key`, or with the key `invalid`: a 400, as Google has it."""
    key = request.headers.get("x-goog-api-key", "").strip()
    if not key:
        message = "Method doesn't allow unregistered callers. Please use an API key to call this API."
        raise RefusedError(envelope(403, message))
    if key == "invalid":
        reply = envelope(
            400, "API key not valid. Please pass a valid API key.", details=(error_info("API_KEY_INVALID"),)
        )
        raise RefusedError(reply)


def gone(model: str, method: str) -> Reply:
    """What a retired id answers, an unknown one, and a living one at the other surface."""
    message = (
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. "
        "Call ListModels to see the list of available models and their supported methods."
    )
    return envelope(404, message)


def check_object(value: object, where: str, fields: Fields) -> dict[str, Any]:
    """`value` as an object (absent: empty) of known fields; `where` is its path in the request."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"Invalid JSON payload received. '{where or 'body'}' must be an object.")
    found = first_flaw(value, fields)
    if found is not None:
        raise _flawed(where, *found)
    return {name: part for name, part in value.items() if part is not None}


def _flawed(where: str, name: str, flaw: Flaw) -> RefusedError:
    path = f"{where}.{name}" if where else name
    if flaw.kind == "unknown":
        at = f" at '{where}'" if where else ""
        return invalid(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')
    messages = {
        "type": "Invalid value at '{path}': expected {expected}, got {got}.",
        "choice": "Invalid value at '{path}': \"{got}\". Supported values are {expected}.",
        "below": "Invalid value at '{path}': {got} is less than {expected}.",
        "above": "Invalid value at '{path}': {got} is more than {expected}.",
        "empty": "Invalid value at '{path}': it must not be empty.",
        "long": "Invalid value at '{path}': {got} characters, and at most {expected} are supported.",
    }
    return invalid(messages[flaw.kind].format(path=path, expected=flaw.expected, got=flaw.got))


def prompt_tokens(prompt: str) -> int:
    """About how many tokens a prompt has: one a word, more for a long one."""
    return sum(-(-len(word) // 8) for word in prompt.split())
