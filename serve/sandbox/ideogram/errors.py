"""Ideogram's errors, its key, and the links and limits that its endpoints share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from serve.sandbox.canvas import Sketch
from serve.sandbox.desk import Easel, RefusedError, Reply
from serve.sandbox.fields import Fields, Flaw, first_flaw

LONGEST_PROMPT = 10_000
LARGEST_SEED = 2_147_483_647
MOST_IMAGES = 8

_MESSAGES = {
    "unknown": "{name}: unknown field.",
    "missing": "{name}: field required.",
    "type": "{name}: expected {expected}, got {got}.",
    "choice": "{name}: '{got}' is none of {expected}.",
    "below": "{name}: {got} is less than {expected}.",
    "above": "{name}: {got} is more than {expected}.",
    "empty": "{name}: must not be empty.",
    "long": "{name}: {got} characters, at most {expected}.",
}
_REASONS = {402: "insufficient_funds", 429: "inflight_limit"}


def invalid(message: str) -> RefusedError:
    """A 400."""
    return RefusedError(Reply(400, {"error": message}))


def check_key(request: Request) -> None:
    """Refuse a request without `Api-Key`, or with the key `invalid`."""
    if request.headers.get("api-key", "").strip() in ("", "invalid"):
        raise RefusedError(Reply(401, {"error": "The Api-Key header is missing or its key is not valid."}))


def check_object(value: object, where: str, fields: Fields) -> dict[str, Any]:
    """`value` as an object of known fields with a prompt; `where` is its name in the request."""
    if not isinstance(value, dict):
        raise invalid(f"{where}: expected a JSON object.")
    if value.get("prompt") is None:
        raise _flawed("prompt", Flaw("missing"))
    found = first_flaw(value, fields)
    if found is not None:
        raise _flawed(*found)
    return {name: part for name, part in value.items() if part is not None}


def gone(model: str) -> Reply:
    """A 404, whose words the vendor does not publish."""
    return Reply(404, {"error": f"There is no model {model}."})


def failure(status: int, retry_after: int | None, code: str | None) -> Reply:
    """An injected error; `code` replaces the usual `reject_reason` of 402 and 429."""
    body: dict[str, Any] = {"error": f"The sandbox was told to answer with {status}."}
    reason = code or _REASONS.get(status)
    if reason is not None:
        body["reject_reason"] = reason
    if reason == "inflight_limit":
        body |= {"max_inflight_requests": 10, "task_completion_speed": "fast"}
    return Reply(status, body, {} if retry_after is None else {"retry-after": str(retry_after)})


def picture_row(sketch: Sketch, easel: Easel | None, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One element of `data`: with a link to the picture, or without one (no `easel`) where it is not safe to show."""
    url = None
    if easel is not None:
        link = easel.gallery.hang(sketch)
        path = f"ideogram/api/images/ephemeral/{link.id}.png"
        url = f"{easel.base_url}{path}?exp={link.expires}&sig={link.signature}"
    return {
        "url": url,
        "prompt": sketch.prompt,
        "resolution": f"{sketch.width}x{sketch.height}",
        "is_image_safe": easel is not None,
        "seed": sketch.seed,
        **(more or {}),
    }


def _flawed(name: str, flaw: Flaw) -> RefusedError:
    return invalid(_MESSAGES[flaw.kind].format(name=name, expected=flaw.expected, got=flaw.got))
