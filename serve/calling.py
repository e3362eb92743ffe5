"""One call to a vendor: build, send, poll where the dialect asks for it, read. What went wrong on the way gets a type.

The question behind every transport failure is whether the vendor may have drawn, and billed: only when the request
cannot have reached it is the answer "no". A poll orders nothing: one that fails is sent again, until time is up.
What a call knows of itself (what it used, whether it may have left) outlives its failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from serve.answer_body import parsed, received
from serve.catalog import Model
from serve.errors import DeadlineError, ProviderError, ServiceError, UpstreamError, UpstreamTimeoutError
from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest
from serve.passage import PASSAGE, Passage
from serve.picture_format import PictureLimits
from serve.providers import dialect_of
from serve.providers.base import Dialect
from serve.targets import Targets

# Black Forest Labs' fastest models need about as long.
POLL_SECONDS = 0.5
# An answer may have so many bytes besides its pictures, which base64 makes a third larger.
_SLACK_BYTES = 1 << 20

# Raised before there is a connection: nobody can have heard of it. A body that was half written may have been read.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's success: its HTTP status, at least one drawn image, and what the vendor says that they used."""

    status: int
    images: list[DrawnImage]
    usage: Usage | None = None


@dataclass(slots=True)
class Call:
    """One call, built by `Caller.prepare`. What it is known to have come to is here however it ends.

    Attributes:
        most_bytes: the longest answer that is read.
        usage: the vendor's last word on what was used, None where it has said nothing.
    """

    dialect: Dialect
    ready: ReadyModel
    request: httpx.Request
    most_bytes: int
    usage: Usage | None = None
    passage: Passage = field(default_factory=Passage)

    @property
    def provider(self) -> str:
        """Who is called."""
        return self.ready.row.provider

    def read(self, response: httpx.Response) -> list[DrawnImage]:
        """The images of the last answer, whose word on what was used is noted first. Raises what the dialect does."""
        self.note_usage(response)
        return self.dialect.read(response)

    def note_usage(self, response: httpx.Response) -> None:
        """Keep what an answer says was used, if it says anything."""
        if self.dialect.usage is not None:
            self.usage = self.dialect.usage(response) or self.usage


Hear = Callable[[httpx.Response, Model], None]
"""Told of every first answer, good or bad, and whose it is."""


class Caller:
    """Calls models. `patience` is the longest one call may take, polls and all, in seconds, however slowly it drips.

    `limits` are the largest picture's: an answer that could only hold larger ones is not read to its end.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        targets: Targets,
        patience: float,
        dialects: Callable[[Model], Dialect] = dialect_of,
        poll_seconds: float = POLL_SECONDS,
        hear: Hear | None = None,
        limits: PictureLimits | None = None,
    ) -> None:
        self._client = client
        self._targets = targets
        self._patience = patience
        self._dialects = dialects
        self._poll_seconds = poll_seconds
        self._hear = hear
        self._limits = limits or PictureLimits()

    def prepare(self, model: Model, wire: WireRequest) -> Call:
        """The call to `model`, built and not sent.

        Raises:
            CatalogError: the row cannot be called as it is written.
        """
        dialect, ready = self._dialects(model), self._targets.ready(model)
        most_bytes = wire.n * self._limits.max_bytes * 4 // 3 + _SLACK_BYTES
        return Call(dialect, ready, dialect.build(ready, wire), most_bytes)

    async def draw(self, model: Model, wire: WireRequest, patience: float | None = None) -> Answer:
        """Prepare a call and send it; raises what either does."""
        return await self.send(self.prepare(model, wire), patience)

    async def send(self, call: Call, patience: float | None = None) -> Answer:
        """Have the pictures drawn, in `patience` seconds at most if they are given.

        Raises:
            ProviderError: by kind; UpstreamTimeoutError when the request was sent and its answer is lost.
            DeadlineError: the given `patience`, less than ours, ended before anything was sent.
        """
        within = self._patience if patience is None else patience
        try:
            async with asyncio.timeout(within):
                response = await self._exchange(call)
            images = await parsed(call.read, response)
            return Answer(response.status_code, images, call.usage)
        except TimeoutError as error:
            raise _late(call, hurried=within < self._patience) from error
        except ProviderError as error:
            _sign(error, call.provider)
            raise

    async def _exchange(self, call: Call) -> httpx.Response:
        """The last answer. What was used may be said on the way to it."""
        response = await self._order(call)
        if self._hear is not None:
            self._hear(response, call.ready.row)
        while (poll := await _follow(call, response)) is not None:
            await parsed(call.note_usage, response)
            await asyncio.sleep(self._poll_seconds)
            response = await self._ask(call, poll) or response
        return response

    async def _order(self, call: Call) -> httpx.Response:
        call.request.extensions[PASSAGE] = call.passage
        call.passage.begun = True
        try:
            return await self._send(call, call.request)
        except _NEVER_SENT as error:
            raise _unreached(call.provider) from error
        except httpx.RequestError as error:
            raise _lost(call.provider) from error

    async def _ask(self, call: Call, poll: httpx.Request) -> httpx.Response | None:
        try:
            return await self._send(call, poll)
        except httpx.RequestError:
            return None

    async def _send(self, call: Call, request: httpx.Request) -> httpx.Response:
        request.headers["user-agent"] = self._client.headers["user-agent"]
        response = await self._client.send(request, stream=True)
        return await received(response, call.most_bytes, call.provider)


async def _follow(call: Call, response: httpx.Response) -> httpx.Request | None:
    follow = call.dialect.follow
    return None if follow is None else await parsed(lambda answer: follow(answer, call.ready), response)


def _late(call: Call, *, hurried: bool) -> ServiceError:
    """Time is up: whose it was, and what may have happened by then."""
    if call.passage.may_have_left:
        return _lost(call.provider)
    if hurried:
        # The caller's own time, too short to connect in: that says nothing of the model.
        return DeadlineError(f"the deadline passed before {call.provider} was reached; allow it more time")
    return _unreached(call.provider)


def _unreached(provider: str) -> UpstreamError:
    return UpstreamError(f"{provider}: could not be reached; try again in a moment", provider=provider)


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
