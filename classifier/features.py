"""Surface features: what a prompt shows before it is understood (quoted words, counts, relations, draft words).

The features are data, not code: a bundle carries its own `features.json`, so a bundle trained yesterday reads prompts
the same way after today's lexicon changed. Each feature counts the matches of one regular expression, capped and scaled
to [0, 1]. Patterns must run in linear time on hostile prompts: no nested or adjacent unbounded repetition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BundleError


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
        self._compiled = [re.compile(s.pattern, 0 if s.case else re.IGNORECASE) for s in self.specs]

    @property
    def names(self) -> list[str]:
        """The features' names, in the order of the columns."""
        return [spec.name for spec in self.specs]

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Feature values in [0, 1], float32 of shape (len(texts), len(specs)). Texts must be normalised already."""
        values = np.zeros((len(texts), len(self.specs)), dtype=np.float32)
        for row, text in enumerate(texts):
            for column, (spec, compiled) in enumerate(zip(self.specs, self._compiled, strict=True)):
                values[row, column] = _value(spec, compiled, text)
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


def _value(spec: FeatureSpec, compiled: re.Pattern[str], text: str) -> float:
    count = 0
    for _ in compiled.finditer(text):
        count += 1
        if count >= spec.cap:
            break
    return float(np.log1p(count) / np.log1p(spec.cap)) if spec.log else count / spec.cap
