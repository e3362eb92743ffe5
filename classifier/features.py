"""Surface features: what a prompt shows before it is understood (quoted words, counts, relations, draft words).

The features are data, not code: a bundle carries its own `features.json`, so a bundle trained yesterday reads prompts
the same way after today's lexicon changed. Each feature counts the matches of one regular expression, capped and scaled
to [0, 1]. Patterns must run in linear time on hostile prompts: no nested or adjacent unbounded repetition.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BundleError

_ESCAPE = re.compile(r"\\.")
_CAPITAL = re.compile(r"[A-Z]")


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One feature: matches of `pattern`, at most `cap` of them, over `cap`; on a log scale where `log` is set.

    Patterns ignore case unless `case` is set.
    """

    name: str
    pattern: str
    cap: int = 1
    log: bool = False
    case: bool = False


class SurfaceFeatures:
    """Counts the specs' patterns in normalised prompts; `transform` gives float32 of shape (n, len(specs))."""

    def __init__(self, specs: Sequence[FeatureSpec]) -> None:
        self.specs = tuple(specs)
        self._counters = [_Counter.of(spec) for spec in self.specs]

    @property
    def names(self) -> list[str]:
        """The features' names, in the order of the columns."""
        return [spec.name for spec in self.specs]

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Feature values in [0, 1], float32 of shape (len(texts), len(specs)). Texts must be normalised already."""
        values = np.zeros((len(texts), len(self.specs)), dtype=np.float32)
        for row, text in enumerate(texts):
            lowered = text.lower()
            for column, counter in enumerate(self._counters):
                values[row, column] = counter.value(lowered if counter.lowered else text)
        return values

    def to_json(self) -> str:
        """The text of `features.json`."""
        return json.dumps({"format": 1, "features": [asdict(spec) for spec in self.specs]}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SurfaceFeatures:
        """Read `features.json`.

        Raises:
            BundleError: another format, a missing key, or a pattern that does not compile.
        """
        try:
            raw = json.loads(text)
            if raw["format"] != 1:
                raise BundleError(f"features.json has format {raw['format']!r}; this version reads format 1")
            return cls([FeatureSpec(**row) for row in raw["features"]])
        except (ValueError, KeyError, TypeError, re.error) as error:
            raise BundleError(f"features.json cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class _Counter:
    """A spec ready to count; where it is `lowered` it wants such a text: to ignore case takes twice as long."""

    pattern: re.Pattern[str]
    cap: int
    log: bool
    lowered: bool

    @classmethod
    def of(cls, spec: FeatureSpec) -> _Counter:
        lowered = not spec.case and not _CAPITAL.search(_ESCAPE.sub("", spec.pattern))
        flags = 0 if spec.case or lowered else re.IGNORECASE
        return cls(re.compile(spec.pattern, flags), spec.cap, spec.log, lowered)

    def value(self, text: str) -> float:
        count = 0
        for _ in self.pattern.finditer(text):
            count += 1
            if count >= self.cap:
                break
        return math.log1p(count) / math.log1p(self.cap) if self.log else count / self.cap
