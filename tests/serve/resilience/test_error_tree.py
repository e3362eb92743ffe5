"""The errors of the gateway as a caller sees them, and the tree in the module's docstring."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from serve import errors
from serve.error_handlers import answer
from serve.errors import (
    BudgetError,
    CircuitOpenError,
    ConflictError,
    DeadlineError,
    IdempotencyMismatchError,
    OverloadedError,
    RateLimitedError,
    ServiceError,
    ShuttingDownError,
    StoreError,
    UpstreamTimeoutError,
)

SEEN = [
    (OverloadedError("busy", retry_after=2.2), 429, "rate_limit_error", "overloaded", None, ("retry-after", "3")),
    (ShuttingDownError("bye"), 503, "server_error", "shutting_down", None, None),
    (DeadlineError("late"), 504, "server_error", "deadline_exceeded", None, ("x-should-retry", "false")),
    (BudgetError("dear"), 400, "invalid_request_error", "over_budget", "max_cost", None),
    (CircuitOpenError("resting"), 503, "server_error", "circuit_open", None, None),
    (CircuitOpenError("tired", retry_after=29.1), 503, "server_error", "circuit_open", None, ("retry-after", "30")),
    (ConflictError("wait"), 409, "invalid_request_error", "request_in_progress", None, None),
    (IdempotencyMismatchError("other"), 422, "invalid_request_error", "idempotency_mismatch", None, None),
    (StoreError("disk"), 500, "server_error", "storage_error", None, None),
]


@pytest.mark.parametrize(("error", "status", "kind", "code", "param", "header"), SEEN, ids=str)
def test_what_a_caller_sees(
    error: ServiceError, status: int, kind: str, code: str, param: str | None, header: tuple[str, str] | None
) -> None:
    """OpenAI's envelope, the status its SDK turns into a typed error, and the headers it obeys."""
    response = answer(error)
    envelope = json.loads(bytes(response.body))["error"]
    assert response.status_code == status
    assert envelope == {"message": str(error), "type": kind, "code": code, "param": param}
    if header is None:
        assert "x-should-retry" not in response.headers
    else:
        assert response.headers[header[0]] == header[1]


@pytest.mark.parametrize(("seconds", "header"), [(0, "0"), (0.1, "1"), (7, "7"), (-3, "0")])
def test_a_wait_is_told_in_whole_seconds(seconds: float, header: str) -> None:
    """Rounded up, so that nobody is back too early; 0 is a value."""
    waits = (
        OverloadedError("busy", retry_after=seconds),
        CircuitOpenError("resting", retry_after=seconds),
        RateLimitedError("slow down", provider="openai", retry_after=seconds),
    )
    assert [error.headers for error in waits] == [{"retry-after": header}] * 3


def test_an_unknown_wait_is_not_made_up() -> None:
    """No number, no header."""
    assert OverloadedError("busy").headers == CircuitOpenError("resting").headers == {}


def test_a_lost_answer_is_not_asked_for_again() -> None:
    """It may have been billed, so an SDK is told to leave it, whatever wait the vendor names."""
    lost = UpstreamTimeoutError("lost", provider="openai", billed="unknown", retry_after=3)
    assert lost.headers == {"x-should-retry": "false"}


def lines(error: type[ServiceError], depth: int = 0) -> Iterator[tuple[int, str]]:
    """A class and all under it in this module, each with its depth."""
    yield depth, error.__name__
    for child in error.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from lines(child, depth + 1)


def test_the_tree_in_the_docstring_is_true() -> None:
    """Every error, in its place under its base, in the order of the file."""
    said = (errors.__doc__ or "").split("\n\n")[1].splitlines()
    assert [((len(line) - len(line.lstrip())) // 2, line.split()[0]) for line in said] == list(lines(ServiceError))
