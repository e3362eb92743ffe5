"""What a request must pass before anything reads it. Pure ASGI; a guard that refuses raises a `ServiceError`."""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.errors import ForbiddenError, NotAuthenticatedError, PayloadTooLargeError
from serve.settings import PREFIX, Settings

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_RESTRICTIONS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")
_IMAGE = re.compile(r"/v1/images/[^/]+")


class SecurityHeaders:
    """Adds the browser's restrictions to every answer that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""

        async def send_restricted(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _RESTRICTIONS if pair[0] not in own)]
            await send(message)

        await self._app(scope, receive, send_restricted)


class HostGuard:
    """Answers only to its own names: a page elsewhere that points its name at this machine gets nothing."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = settings.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and _host_name(Headers(scope=scope)) not in self._hosts:
            raise ForbiddenError(f"not a host name of this service; its operator lists them in {PREFIX}ALLOWED_HOSTS")
        await self._app(scope, receive, send)


class OriginGuard:
    """Lets a browser's writing requests through only from our own pages; other clients send no Origin."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._public = urlsplit(settings.public_url or "").netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and scope["method"] not in _READING and not self._is_ours(Headers(scope=scope)):
            raise ForbiddenError("a page of another origin may not send this")
        await self._app(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        asked = origin.lower().partition("://")[2]
        return asked != "" and asked in (headers.get("host", "").lower(), self._public)


class KeyGuard:
    """Asks for the API key on /v1/*, if there is one. An image's id is its own key."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._key = None if settings.api_key is None else settings.api_key.get_secret_value().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and self._key is not None and _needs_key(scope):
            scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("latin-1"), self._key):
                raise NotAuthenticatedError("send this service's API key as `Authorization: Bearer ...`")
        await self._app(scope, receive, send)


class BodyLimit:
    """Reads the body here, up to the limit, whether or not its length was declared, and hands it on whole."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._limit = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "http" and scope["method"] not in _READING:
            receive = await self._read_ahead(scope, receive)
        await self._app(scope, receive, send)

    async def _read_ahead(self, scope: Scope, receive: Receive) -> Receive:
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self._limit:
            raise self._too_large()
        pending: list[Message] = [await self._read(receive)]

        async def receive_read() -> Message:
            return pending.pop() if pending else await receive()

        return receive_read

    async def _read(self, receive: Receive) -> Message:
        body = bytearray()
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > self._limit:
                raise self._too_large()
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}
        return message

    def _too_large(self) -> PayloadTooLargeError:
        return PayloadTooLargeError(f"the body is over {self._limit} bytes")


def _host_name(headers: Headers) -> str | None:
    stated = headers.getlist("host")
    found = _HOST.fullmatch(stated[0]) if len(stated) == 1 else None
    return (found["v6"] or found["name"]).lower() if found else None


def _needs_key(scope: Scope) -> bool:
    path: str = scope["path"]
    if scope["method"] in _READING and _IMAGE.fullmatch(path):
        return False
    return path == "/v1" or path.startswith("/v1/")
