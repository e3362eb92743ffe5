"""What a bill depends on: whether a request can have reached its vendor."""

from __future__ import annotations

PASSAGE = "prompt_intent.passage"
"""The request extension that holds its `Passage`."""


class Passage:
    """How far a request came on its way out.

    Only who was seen connecting, and never connected, certainly sent nothing. A transport without a network (the
    sandbox in our own process) tells neither: what was given to it may have arrived.
    """

    def __init__(self) -> None:
        self.begun = False
        self._connecting = False
        self._connected = False

    def connecting(self) -> None:
        """There is no connection yet."""
        self._connecting = True

    def connected(self) -> None:
        """From now on it is written."""
        self._connected = True

    @property
    def may_have_left(self) -> bool:
        """Whether the other side may have got any of it."""
        return self.begun and (self._connected or not self._connecting)
