"""One call to a vendor: build, send, poll where the dialect asks for it, read. What went wrong on the way gets a type.

The question behind every transport failure is whether the vendor may have drawn, and billed: only when the request
cannot have reached it is the answer "no".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from serve.catalog import Model
from serve.errors import UpstreamError, UpstreamTimeoutError
from serve.image_request import DrawnImage, WireRequest
from serve.providers import dialect_of
from serve.providers.base import Dialect
from serve.targets import Targets

POLL_SECONDS = 1.0

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
    """A vendor's success: its HTTP status and at least one drawn image."""

    status: int
    images: list[DrawnImage]


class Caller:
    """Calls models. `patience` is the longest one exchange may take, in seconds, however slowly it drips."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        targets: Targets,
        patience: float,
        dialects: Callable[[Model], Dialect] = dialect_of,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._client = client
        self._targets = targets
        self._patience = patience
        self._dialects = dialects
        self._poll_seconds = poll_seconds

    async def draw(self, model: Model, wire: WireRequest) -> Answer:
        """Have `model` draw.

        Raises:
            ProviderError: by kind; UpstreamTimeoutError when the request was sent and its answer is lost.
        """
        dialect = self._dialects(model)
        response = await self._send(dialect.build(self._targets.ready(model), wire), model.provider)
        while dialect.follow is not None and (poll := dialect.follow(response)) is not None:
            await asyncio.sleep(self._poll_seconds)
            response = await self._send(poll, model.provider)
        return Answer(response.status_code, dialect.read(response))

    async def _send(self, request: httpx.Request, provider: str) -> httpx.Response:
        request.headers["user-agent"] = self._client.headers["user-agent"]
        try:
            async with asyncio.timeout(self._patience):
                return await self._client.send(request)
        except _NEVER_SENT as error:
            raise UpstreamError(
                f"{provider}: could not be reached; try again in a moment", provider=provider
            ) from error
        except (httpx.RequestError, TimeoutError) as error:
            raise UpstreamTimeoutError(
                f"{provider}: the request was sent and its answer was lost; it may have been drawn and billed",
                provider=provider,
                billed="unknown",
            ) from error
