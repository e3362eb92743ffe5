"""How the OpenAPI document describes errors, the same on every path."""

from __future__ import annotations

from typing import Any

from serve.schemas import ErrorEnvelope

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "The request is refused."},
    "5XX": {"model": ErrorEnvelope, "description": "The service or every vendor on the route failed."},
}
