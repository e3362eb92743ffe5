"""What the vendors were asked, what they answered, and what they would have charged for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 10_000
_PICTURE_KEYS = frozenset({"b64_json", "bytesBase64Encoded", "data"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `status` is None where the connection was cut before an answer; `usd` is what the vendor charges.

    `n` is how many pictures were ordered (0 where nothing could be ordered), `fault` the injected fault, `request` the
    JSON body with pictures in it replaced by their length.
    """

    provider: str
    endpoint: str
    model: str | None = None
    n: int = 0
    status: int | None = None
    usd: float = 0.0
    fault: str | None = None
    request: object = None


class Ledger:
    """Calls in the order they came. The newest 10,000 are kept; the totals count all since the last `clear`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget every call and every bill."""
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._count = self._billed = self._images = 0
        self._usd = 0.0

    def record(self, call: Call) -> None:
        """Write `call` down and add it to the totals."""
        self._calls.append(call)
        self._count += 1
        self._usd += call.usd
        if call.usd:
            self._billed += 1
            self._images += call.n

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are kept, oldest first."""
        return tuple(self._calls)

    @property
    def totals(self) -> dict[str, float]:
        """`calls`, `billed_calls`, `billed_images` and `usd`."""
        return {
            "calls": self._count,
            "billed_calls": self._billed,
            "billed_images": self._images,
            "usd": round(self._usd, 6),
        }

    def as_json(self) -> dict[str, Any]:
        """`{"calls": [...], "totals": {...}}`."""
        return {"calls": [asdict(call) for call in self._calls], "totals": self.totals}


def without_pictures(payload: object) -> object:
    """`payload` with every base64 picture replaced by a note of its length."""
    if isinstance(payload, list):
        return [without_pictures(part) for part in payload]
    if isinstance(payload, Mapping):
        return {key: _noted(key, value) for key, value in payload.items()}
    return payload


def _noted(key: str, value: object) -> object:
    if key in _PICTURE_KEYS and isinstance(value, str):
        return f"<{len(value)} characters of base64>"
    return without_pictures(value)
