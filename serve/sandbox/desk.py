"""A vendor's desk: takes a request off the wire, says what it orders or refuses it, and words the vendor's answers.

The desk decides nothing about faults, ledgers or sockets (see `exchange`); those are the same for every vendor.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import anyio.to_thread
from starlette.requests import Request

from serve.sandbox.canvas import Sketch, draw
from serve.sandbox.gallery import Gallery

Provider = Literal["openai", "google", "ideogram", "bfl", "recraft"]
Clock = Callable[[], float]

BLOCKED_WORD = "sandbox-blocked"
"""A prompt with this word in it is content-blocked, in the vendor's own way."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire: a status, a JSON body (or plain text), headers besides content type and length."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A request the vendor would draw: one sketch a picture, and what all of them cost in US dollars.

    `terms` are the parts of the request that come back in the vendor's answer.
    """

    model: str
    prompt: str
    sketches: tuple[Sketch, ...]
    usd: float
    terms: Mapping[str, Any] = field(default_factory=dict)


class RefusedError(Exception):
    """The vendor answers this request with an error of its own; nothing is drawn and nothing billed."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}: {reply.body}")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Easel:
    """Where the pictures of one call are drawn, or hung up for download: `base_url` is how the caller reached us."""

    seed: int
    gallery: Gallery
    base_url: str

    async def paint(self, sketch: Sketch) -> bytes:
        """The picture's bytes. Drawn in a worker thread: it takes long enough to hold up every other call."""
        return await anyio.to_thread.run_sync(draw, sketch, self.seed)

    async def paint_base64(self, sketch: Sketch) -> str:
        """The picture as the vendors put it into JSON."""
        return base64.b64encode(await self.paint(sketch)).decode("ascii")


def named_model(payload: object) -> str | None:
    """The model in a body's own `model`, None where there is none."""
    model = payload.get("model") if isinstance(payload, dict) else None
    return model if isinstance(model, str) else None


class Desk(ABC):
    """One wire dialect of one vendor. `bills_blocked`: a picture that is blocked costs as much as one that is not."""

    provider: ClassVar[Provider]
    bills_blocked: ClassVar[bool]

    @abstractmethod
    def model_of(self, request: Request, payload: object) -> str | None:
        """The model's id as the request names it, served or not; None where it names none."""

    @abstractmethod
    def order(self, request: Request, payload: object) -> Order:
        """What the request orders; `payload` is its decoded JSON, None if it is not JSON.

        Raises:
            RefusedError: the vendor refuses this request; carries the vendor's own answer.
        """

    @abstractmethod
    async def drawn(self, order: Order, easel: Easel) -> Reply:
        """The pictures."""

    @abstractmethod
    def blocked(self, order: Order) -> Reply:
        """The vendor's content block."""

    @abstractmethod
    def empty(self, order: Order) -> Reply:
        """A success without a picture."""

    @abstractmethod
    def gone(self, model: str) -> Reply:
        """What an id that no longer exists, or never did, is answered."""

    @abstractmethod
    def failure(self, status: int, retry_after: int | None, code: str | None) -> Reply:
        """An error in the vendor's envelope; `retry_after` is in seconds, `code` replaces the usual error code."""
