"""Pictures that are answered as links: signed, short-lived, and drawn when somebody comes for them.

A link carries nothing but an id; the sketch stays here, and the same sketch draws the same bytes. The newest links are
kept, older ones are forgotten before their time, as a stand-in may.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from serve.sandbox.canvas import Sketch

LIFETIME_S = 3600
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Link:
    """A hung picture: its id, the second it expires, and the signature over both."""

    id: str
    hung: int
    expires: int
    signature: str


class Gallery:
    """Hangs sketches up and finds them again. `clock` gives Unix seconds."""

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self._key = f"sandbox-{seed}".encode()
        self._clock = clock
        self._sketches: OrderedDict[str, Sketch] = OrderedDict()
        self._hung = 0

    def hang(self, sketch: Sketch, lifetime_s: int = LIFETIME_S) -> Link:
        """A new link to `sketch`, good for an hour unless `lifetime_s` says otherwise."""
        self._hung += 1
        image_id = hashlib.sha256(self._key + f"{self._hung}/{sketch}".encode()).hexdigest()[:32]
        self._sketches[image_id] = sketch
        if len(self._sketches) > _KEPT:
            self._sketches.popitem(last=False)
        hung = int(self._clock())
        return Link(image_id, hung, hung + lifetime_s, self._signature(image_id, hung + lifetime_s))

    def find(self, image_id: str, expires: int, signature: str) -> Sketch | Literal["forbidden", "unknown"]:
        """The sketch behind a link; "forbidden" if the link is forged or expired, "unknown" if it is forgotten."""
        genuine = hmac.compare_digest(self._signature(image_id, expires).encode(), signature.encode())
        if not genuine or self._clock() >= expires:
            return "forbidden"
        return self._sketches.get(image_id, "unknown")

    def _signature(self, image_id: str, expires: int) -> str:
        return hmac.new(self._key, f"{image_id}/{expires}".encode(), hashlib.sha256).hexdigest()
