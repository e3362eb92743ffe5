"""A batch's money: what was spent, what is held for pictures being drawn, and a ceiling that is never passed."""

from __future__ import annotations

_MICROS = 1_000_000


class Purse:
    """US dollars outside, whole millionths inside, so that sums are exact. A `ceiling` of None sets no limit."""

    def __init__(self, ceiling: float | None, spent: float = 0.0) -> None:
        self._ceiling = None if ceiling is None else _micros(ceiling)
        self._spent = _micros(spent)
        self._held = 0

    @property
    def limited(self) -> bool:
        """Whether there is a ceiling."""
        return self._ceiling is not None

    @property
    def spent(self) -> float:
        """What was spent, or may have been."""
        return self._spent / _MICROS

    @property
    def held(self) -> float:
        """What is held for pictures that are being drawn."""
        return self._held / _MICROS

    @property
    def left(self) -> float | None:
        """What may still be spent or held; None without a ceiling. A vendor that bills over its price leaves 0."""
        return None if self._ceiling is None else max(0, self._ceiling - self._spent - self._held) / _MICROS

    def reserve(self, least: float, most: float) -> float | None:
        """Hold as much as is there of `most`, but `least` at the least; None, and nothing held, where it is not."""
        room = _micros(most) if self._ceiling is None else self._ceiling - self._spent - self._held
        if room < _micros(least):
            return None
        amount = min(_micros(most), room)
        self._held += amount
        return amount / _MICROS

    def reopen(self, usd: float) -> None:
        """Hold again what counted as spent, for its picture is asked for once more."""
        self._spent -= _micros(usd)
        self._held += _micros(usd)

    def settle(self, reserved: float, spent: float) -> None:
        """What was held as `reserved` has come to `spent`."""
        self._held -= _micros(reserved)
        self._spent += _micros(spent)


def _micros(usd: float) -> int:
    return round(usd * _MICROS)
