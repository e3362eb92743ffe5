"""One id and one log line a request, an answer for every exception. Never a prompt, key or picture in the log."""

from __future__ import annotations

import re
import secrets
import traceback
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.clock import Clock
from serve.error_handlers import answer, answer_crash
from serve.errors import ServiceError

_REQUEST_ID = b"x-request-id"
# Nginx's number for a caller that went before there was an answer; nobody hears it.
_HUNG_UP = 499
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("serve")


@dataclass(slots=True)
class _Exchange:
    """What is known of an exchange once it is over."""

    request_id: str
    status: int | None = None


class Observer:
    """Gives the request its id (the caller's, if well-formed), answers what was raised, and writes the line."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    @cached_property
    def _lines(self) -> structlog.typing.FilteringBoundLogger:
        """Made for the first request, when it is known how to log, and not for each again."""
        lines: structlog.typing.FilteringBoundLogger = _log.bind()
        return lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(_request_id(scope))

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message["headers"], (_REQUEST_ID, exchange.request_id.encode())]
            await send(message)

        started = self._clock.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id):
            try:
                await self._answered(scope, receive, send_tagged, exchange)
            finally:
                ms = round((self._clock.monotonic() - started) * 1000, 1)
                self._lines.info("request", **_line(scope, exchange), ms=ms)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        try:
            await self._app(scope, receive, send)
        except ServiceError as error:
            await answer(error)(scope, receive, send)
        except ClientDisconnect:
            exchange.status = _HUNG_UP
        except Exception as error:
            log_crash(error)
            # Half an answer may be out: the server sees that the other half is missing, and cuts the connection.
            if exchange.status is None:
                await answer_crash()(scope, receive, send)


def log_crash(error: Exception) -> None:
    """What nobody expected, by its kind and place."""
    _log.error("crash", kind=type(error).__name__, frames=_frames(error))


def _request_id(scope: Scope) -> str:
    asked = next((value.decode("latin-1") for name, value in scope["headers"] if name == _REQUEST_ID), "")
    return asked if _WELL_FORMED.fullmatch(asked) else f"req_{secrets.token_hex(16)}"


def _line(scope: Scope, exchange: _Exchange) -> dict[str, Any]:
    # The route's own pattern, not the path, which is whatever the caller typed.
    route = getattr(scope.get("route"), "path", None)
    said: dict[str, Any] = scope.get("state", {}).get("log", {})
    return {"method": scope["method"], "route": route, "status": exchange.status, **said}


def _frames(error: Exception) -> list[str]:
    """Where it happened. The exception's text stays out: it may quote the request."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
