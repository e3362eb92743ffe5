"""JSON bodies, out and in: one way to write a vendor's request, and distrustful readers for what comes back."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from functools import lru_cache
from typing import Any

import httpx
import pybase64
from pydantic_core import from_json

from serve.catalog import Model
from serve.errors import UpstreamError
from serve.image_request import WireRequest

USER_AGENT = "prompt-intent"
_JSON = "prompt_intent.json"


def json_request(url: str, key: dict[str, str], body: dict[str, Any]) -> httpx.Request:
    """A POST of `body`; `key` is the one header that carries the vendor's key.

    A request made by hand gets none of the client's default headers, and some vendors refuse an unnamed caller. With a
    stream httpx adds none of its own either, which takes it as long as all the rest.
    """
    target = _parsed_url(url)
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    headers = {
        "host": target.netloc.decode("ascii"),
        "accept": "application/json",
        "user-agent": USER_AGENT,
        "content-type": "application/json",
        "content-length": str(len(content)),
        **key,
    }
    request = httpx.Request("POST", target, headers=headers, stream=httpx.ByteStream(content))
    request.read()
    return request


@lru_cache(maxsize=256)
def _parsed_url(url: str) -> httpx.URL:
    return httpx.URL(url)


def given(**fields: object) -> dict[str, Any]:
    """The fields that are set: vendors refuse an explicit null where they take an absent key."""
    return {name: value for name, value in fields.items() if value is not None}


def wishes(request: WireRequest, row: Model, **names: str) -> dict[str, Any]:
    """The optional wishes of `request` that are set, under their names on the wire.

    `names` are the dialect's, from our field to the vendor's; a row's own `wire_names` go before them.
    """
    wanted = {field: getattr(request, field) for field in names}
    spelled: dict[str, str] = {**names, **{str(field): name for field, name in row.wire_names.items()}}
    return {spelled[field]: value for field, value in wanted.items() if value is not None}


def json_object(response: httpx.Response, provider: str) -> dict[str, Any]:
    """The object in a successful answer.

    Raises:
        UpstreamError: the body is no JSON object; billed "unknown", for the vendor did say success.
    """
    body = _parsed(response)
    if not isinstance(body, dict):
        raise broken_answer(response, provider, "its answer is not a JSON object")
    return body


def object_or_empty(response: httpx.Response) -> dict[str, Any]:
    """The object in any answer, empty where there is none: proxies answer in HTML, and the status says enough."""
    body = _parsed(response)
    return body if isinstance(body, dict) else {}


def object_at(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under `key`, empty where it is anything else."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def objects_at(parent: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in the list under `key`, empty where it is anything else."""
    value = parent.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def objects_in(
    body: dict[str, Any], key: str, response: httpx.Response, provider: str, *, optional: bool = False
) -> list[dict[str, Any]]:
    """The objects in the list under `key` that a successful answer is made of.

    Raises:
        UpstreamError: there is no list, unless it is `optional` and left out; billed "unknown".
    """
    if optional and key not in body:
        return []
    if not isinstance(body.get(key), list):
        raise broken_answer(response, provider, f"its answer has no list of {key}")
    return objects_at(body, key)


def text_at(parent: dict[str, Any], key: str) -> str | None:
    """The text under `key`, None where it is empty or anything else."""
    value = parent.get(key)
    if not isinstance(value, str) or not value:
        return None
    if value.isascii():  # known without a look at megabytes of base64
        return value
    # JSON may spell half a surrogate pair, which no later encoder takes.
    return value.encode("utf-8", "replace").decode("utf-8")


def whole_number_at(parent: dict[str, Any], key: str) -> int | None:
    """The integer under `key`, None where it is anything else (JSON's true is an int to Python)."""
    value = parent.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count_at(parent: dict[str, Any], key: str) -> int | None:
    """The integer under `key` where it counts something, None where it is negative or anything else."""
    count = whole_number_at(parent, key)
    return count if count is not None and count >= 0 else None


def amount_at(parent: dict[str, Any], key: str) -> float | None:
    """The finite number of 0 or more under `key`, None where it is anything else."""
    value = parent.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        amount = float(value)
    except OverflowError:  # JSON's integers have no end
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def picture_bytes(encoded: str, response: httpx.Response, provider: str) -> bytes:
    """The bytes behind base64 that came with `response`.

    Raises:
        UpstreamError: it does not decode; billed "unknown".
    """
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise broken_answer(response, provider, "its picture is not base64") from error


def broken_answer(response: httpx.Response, provider: str, what: str) -> UpstreamError:
    """The error for an answer that says success and cannot be read."""
    message = f"{provider}: {what}; try again in a moment"
    return UpstreamError(message, provider=provider, billed="unknown", upstream_status=response.status_code)


def _parsed(response: httpx.Response) -> object:
    """Parsed once, however many readers ask: megabytes of base64 lie in it."""
    if _JSON not in response.extensions:
        response.extensions[_JSON] = _loaded(response.content)
    return response.extensions[_JSON]


def _loaded(content: bytes) -> object:
    # Thirty times as fast where megabytes are text; it refuses some of what JSON may hold, like half a surrogate pair.
    with suppress(ValueError):
        return from_json(content)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):  # RecursionError: brackets nested past the parser's depth
        return None
