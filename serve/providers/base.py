"""What a wire dialect is: pure functions, from our words to a vendor's request and back. No client, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from serve.image_request import DrawnImage, ReadyModel, Usage, WireRequest

Build = Callable[[ReadyModel, WireRequest], httpx.Request]
Read = Callable[[httpx.Response], list[DrawnImage]]
Follow = Callable[[httpx.Response, ReadyModel], httpx.Request | None]
ReadUsage = Callable[[httpx.Response], Usage | None]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Two functions, and two more where the vendor polls, or says what a call used.

    Attributes:
        build: writes the request.
        read: reads the last answer, or raises a `ProviderError`.
        follow: the next poll after an answer, None when that was the last one. It gets the model so that it can check
            where a poll leads before the key goes there. It may give the same poll again.
        usage: what an answer, the first or a poll's, says was used; None where it says nothing. Raises nothing.
    """

    build: Build
    read: Read
    follow: Follow | None = None
    usage: ReadUsage | None = None
