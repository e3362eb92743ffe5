"""What a wire dialect is: pure functions, from our words to a vendor's request and back. No client, and no clock but
for a wait until a date in an answer that has none of its own (`delays`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest

Build = Callable[[ReadyModel, WireRequest], httpx.Request]
Read = Callable[[httpx.Response], list[DrawnImage]]
Follow = Callable[[httpx.Response, ReadyModel], httpx.Request | None]
ReadUsage = Callable[[httpx.Response], Usage | None]
ListModels = Callable[[ReadyModel], httpx.Request]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Two functions, and more where the vendor polls, says what a call used, or lists its models with their ends.

    Attributes:
        build: writes the request.
        read: reads the last answer, or raises a `ProviderError`.
        follow: the next poll after an answer, None when that was the last one. It gets the model so that it can check
            where a poll leads before the key goes there. It may give the same poll again.
        usage: what an answer, the first or a poll's, says was used; None where it says nothing. Raises nothing.
        list_models: asks for OpenAI's `GET /v1/models`, whose entries may have a `shutdown_date`.
    """

    build: Build
    read: Read
    follow: Follow | None = None
    usage: ReadUsage | None = None
    list_models: ListModels | None = None
