"""What a wire dialect is: two pure functions, and a third where the vendor has to be polled. No client or clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from serve.image_request import DrawnImage, ReadyModel, WireRequest

Build = Callable[[ReadyModel, WireRequest], httpx.Request]
Read = Callable[[httpx.Response], list[DrawnImage]]
Follow = Callable[[httpx.Response], httpx.Request | None]


@dataclass(frozen=True, slots=True)
class Dialect:
    """`build` writes the request, `read` reads its answer or raises a `ProviderError`, `follow` gives the next poll."""

    build: Build
    read: Read
    follow: Follow | None = None
