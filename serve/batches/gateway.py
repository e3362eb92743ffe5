"""Where the command line sends its requests: this process's own service, or one that runs already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from classifier.explanation import Explanation
from serve.errors import Billed
from serve.route_schemas import RouteDecision
from serve.schemas import ErrorDetail, GenerateBody, Routing

PATH = "/v1/generate"
# Of these nobody says what became of the request: asked again under the same key, it is answered and not drawn twice.
_OPEN_ENDED = frozenset({"connection_lost", "internal_error", "request_in_progress", "storage_error"})
# Of this not even where the attempts are told: its pictures may be kept, for when its end can be written down.
_UNWRITTEN = "storage_error"
# Of these we know it without an answer: a call was cut off, or the pictures of an old answer are gone.
_PAID_FOR = frozenset({"upstream_timeout", "not_found"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request: pictures, or `error`. `ms` is how long it took here, in milliseconds."""

    ms: float
    routing: Routing | None = None
    pictures: tuple[bytes, ...] = ()
    error: ErrorDetail | None = None

    @property
    def cost_usd(self) -> float:
        """US dollars that are known to be, or may be, on a bill."""
        return 0.0 if self.routing is None else self.routing.cost_usd

    @property
    def billed(self) -> Billed:
        """Whether a vendor charges for it."""
        if self.routing is None:
            return "unknown" if self.error is not None and self.error.code in _PAID_FOR else "no"
        said = {attempt.billed for attempt in self.routing.attempts}
        return "unknown" if "unknown" in said else "yes" if "yes" in said else "no"

    @property
    def tried(self) -> bool:
        """Whether anybody was called."""
        return self.routing is not None and bool(self.routing.attempts)

    @property
    def settled(self) -> bool:
        """Whether the request has come to its end; if not, it is asked for again under the same key."""
        code = None if self.error is None else self.error.code
        return code not in _OPEN_ENDED or (self.routing is not None and code != _UNWRITTEN)


class Gateway(Protocol):
    """One service. Every method may raise ConnectionError: nobody answers there, and asking on is in vain."""

    @property
    def sandbox(self) -> bool:
        """Whether no vendor is called and no dollar real."""
        ...

    async def draw(self, body: GenerateBody, key: str) -> Reply:
        """Have `body` drawn under an idempotency key. What fails is told in the reply."""
        ...

    async def decide(self, body: GenerateBody) -> RouteDecision:
        """Who would draw `body`, and for how much; nothing is drawn.

        Raises:
            ServiceError: nobody can, and why.
        """
        ...

    async def explain(self, prompt: str) -> Explanation:
        """What moved the classifier.

        Raises:
            ServiceError: there is no classifier.
        """
        ...
