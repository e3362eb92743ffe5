"""One line a request: which, how it went and how long; never what was asked, with which key, or what was drawn."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from classifier import IntentClassifier
from serve.clock import Clock
from serve.logs import configure_logging
from serve.observer import Observer
from serve.settings import Settings

Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
PROMPT = "a very private unicorn"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the configured logging writes; pytest's own handlers come back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def _lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_a_request_is_one_line_of_json(log: io.StringIO, serving: Serving, settings: Settings) -> None:
    """Ids, route, model, status and milliseconds, and neither prompt nor picture nor key."""
    keyed = settings.model_copy(update={"api_key": SecretStr("s3cret")})
    async with serving(keyed) as client:
        drawn = await client.post(
            "/v1/generate",
            json={"prompt": PROMPT, "response_format": "b64_json"},
            headers={"authorization": "Bearer s3cret", "x-request-id": "mine"},
        )
    (line,) = [line for line in _lines(log) if line["event"] == "request"]
    assert line.pop("ms") > 0
    assert line.pop("timestamp").endswith("Z")
    # The same id that the answer, the store and the feedback go by.
    assert line.pop("answer") == drawn.json()["routing"]["request_id"]
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "mine",
        "method": "POST",
        "route": "/v1/generate",
        "model": "dalle-3-std",
        "outcomes": ["ok"],
        "status": 200,
    }
    for secret in ("unicorn", "s3cret", drawn.json()["data"][0]["b64_json"][:40]):
        assert secret not in log.getvalue()


async def test_a_crash_is_located_and_not_quoted(
    log: io.StringIO, serving: Serving, settings: Settings, make_classifier: Callable[..., IntentClassifier]
) -> None:
    """An unexpected exception is logged by its kind and place; its text, which may quote the prompt, is not."""

    def crash() -> None:
        raise RuntimeError(PROMPT)

    async with serving(settings, classifier=make_classifier(crash)) as client:
        await client.post("/v1/classify", json={"prompt": PROMPT})
    (line,) = [line for line in _lines(log) if line["event"] == "crash"]
    assert line["kind"] == "RuntimeError"
    assert any(frame.endswith(" crash") for frame in line["frames"])
    assert "unicorn" not in log.getvalue()


async def test_a_path_that_is_no_route_is_not_logged(log: io.StringIO, serving: Serving, settings: Settings) -> None:
    """What a caller types into a path, a prompt perhaps, stays out of the log too."""
    async with serving(settings) as client:
        await client.get("/unicorn?prompt=unicorn")
    assert "unicorn" not in log.getvalue()


async def test_half_an_answer_is_cut_and_not_quoted(log: io.StringIO) -> None:
    """The server is left with an answer that does not end, which it cuts; neither it nor we log what was asked."""
    sent: list[Message] = []

    async def crashes(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(PROMPT)

    async def send(message: Message) -> None:
        sent.append(message)

    await Observer(crashes, Clock())({"type": "http", "method": "POST", "headers": []}, no_body, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert [line["event"] for line in _lines(log)] == ["crash", "request"]
    assert "unicorn" not in log.getvalue()


async def test_a_caller_who_hangs_up_is_no_crash(log: io.StringIO) -> None:
    """One line, with the status that says so."""

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()

    await Observer(reads, Clock())({"type": "http", "method": "POST", "headers": []}, no_body, no_answer)
    [line] = _lines(log)
    assert (line["event"], line["level"], line["status"]) == ("request", "info", 499)


def test_variables_in_a_trace_stay_out(log: io.StringIO) -> None:
    """The server logs exceptions too; frames are told, and not what is in them."""

    def crash(prompt: str) -> None:
        raise RuntimeError(len(prompt))

    try:
        crash(PROMPT)
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    [line] = _lines(log)
    assert [frame["name"] for frame in line["exception"][0]["frames"]][-1] == "crash"
    assert "unicorn" not in log.getvalue()


async def no_body() -> Message:
    """What a server says when the caller has gone."""
    return {"type": "http.disconnect"}


async def no_answer(message: Message) -> None:
    """Nobody is there to hear it."""
    raise AssertionError(message)
