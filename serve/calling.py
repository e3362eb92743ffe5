"""One call to a vendor: build, send, poll where the dialect asks for it, read. What went wrong on the way gets a type.

The question behind every transport failure is whether the vendor may have drawn, and billed: only when the request
cannot have reached it is the answer "no". A poll orders nothing: one that fails is sent again, until time is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from serve.catalog import Model
from serve.errors import ProviderError, UpstreamError, UpstreamTimeoutError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.providers import dialect_of
from serve.providers.base import Dialect
from serve.targets import Targets

# Black Forest Labs' fastest models need about as long.
POLL_SECONDS = 0.5

# Raised before the request's body is complete on the wire: nobody can have answered it.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's success: its HTTP status, at least one drawn image, and what the vendor says that they used."""

    status: int
    images: list[DrawnImage]
    usage: Usage | None = None


Hear = Callable[[httpx.Response, Model], None]
"""Told of every first answer, good or bad, and whose it is."""


class Caller:
    """Calls models. `patience` is the longest one call may take, polls and all, in seconds, however slowly it drips."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        targets: Targets,
        patience: float,
        dialects: Callable[[Model], Dialect] = dialect_of,
        poll_seconds: float = POLL_SECONDS,
        hear: Hear | None = None,
    ) -> None:
        self._client = client
        self._targets = targets
        self._patience = patience
        self._dialects = dialects
        self._poll_seconds = poll_seconds
        self._hear = hear

    async def draw(self, model: Model, wire: WireRequest, patience: float | None = None) -> Answer:
        """Have `model` draw, in `patience` seconds at most if they are given.

        Raises:
            ProviderError: by kind; UpstreamTimeoutError when the request was sent and its answer is lost.
        """
        dialect, ready = self._dialects(model), self._targets.ready(model)
        try:
            async with asyncio.timeout(self._patience if patience is None else patience):
                response, usage = await self._exchange(dialect, ready, wire)
            return Answer(response.status_code, dialect.read(response), usage)
        except TimeoutError as error:
            raise _lost(model.provider) from error
        except ProviderError as error:
            _sign(error, model.provider)
            raise

    async def _exchange(
        self, dialect: Dialect, ready: ReadyModel, wire: WireRequest
    ) -> tuple[httpx.Response, Usage | None]:
        """The last answer, and the last word on what was used: it may be said on the way."""
        response = await self._order(dialect.build(ready, wire), ready.row.provider)
        if self._hear is not None:
            self._hear(response, ready.row)
        usage = _usage(dialect, response)
        while dialect.follow is not None and (poll := dialect.follow(response, ready)) is not None:
            await asyncio.sleep(self._poll_seconds)
            response = await self._ask(poll) or response
            usage = _usage(dialect, response) or usage
        return response, usage

    async def _order(self, request: httpx.Request, provider: str) -> httpx.Response:
        try:
            return await self._send(request)
        except _NEVER_SENT as error:
            raise UpstreamError(
                f"{provider}: could not be reached; try again in a moment", provider=provider
            ) from error
        except httpx.RequestError as error:
            raise _lost(provider) from error

    async def _ask(self, poll: httpx.Request) -> httpx.Response | None:
        try:
            return await self._send(poll)
        except httpx.RequestError:
            return None

    async def _send(self, request: httpx.Request) -> httpx.Response:
        request.headers["user-agent"] = self._client.headers["user-agent"]
        return await self._client.send(request)


def _usage(dialect: Dialect, response: httpx.Response) -> Usage | None:
    return None if dialect.usage is None else dialect.usage(response)


def _lost(provider: str) -> UpstreamTimeoutError:
    return UpstreamTimeoutError(
        f"{provider}: the request was sent and its answer was lost; it may have been drawn and billed",
        provider=provider,
        billed="unknown",
    )


def _sign(error: ProviderError, provider: str) -> None:
    """Name who was called in the error: a dialect is spoken by others than the vendor that it is named after."""
    if error.provider != provider:
        error.args = (str(error).replace(f"{error.provider}: ", f"{provider}: ", 1),)
        error.provider = provider
