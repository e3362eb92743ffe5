"""What was classified of late: the same prompt, tried at several models or drawn again, is read once.

It lives here and not in the classifier, whose answers must never depend on what was asked before.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from classifier import Prediction

# Longer prompts are rarely sent twice, and ten thousand of them would be a third of a gigabyte.
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Recalled:
    """How often the memory was asked and knew the answer, and how many predictions it holds."""

    asked: int
    hits: int
    held: int


class Remembered:
    """The last `capacity` predictions by prompt, for one version of a classifier; 0 remembers nothing."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, Prediction] = OrderedDict()
        self._asked = self._hits = 0

    def get(self, prompt: str) -> Prediction | None:
        """What was predicted for exactly this prompt, if that is still known."""
        self._asked += 1
        found = self._held.get(prompt)
        if found is not None:
            self._hits += 1
            self._held.move_to_end(prompt)
        return found

    def put(self, prompt: str, prediction: Prediction) -> None:
        """Remember it, and forget what was asked for longest ago."""
        if len(prompt) > _LONGEST:
            return
        self._held[prompt] = prediction
        while len(self._held) > self._capacity:
            self._held.popitem(last=False)

    @property
    def state(self) -> Recalled:
        """For `GET /v1/stats`."""
        return Recalled(self._asked, self._hits, len(self._held))
