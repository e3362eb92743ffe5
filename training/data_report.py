"""What a check of a prompt file found, and what the file holds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from training.dataset import LabeledPrompt

Severity = Literal["error", "warning"]
Kind = Literal[
    "schema",
    "empty",
    "duplicate",
    "label_conflict",
    "near_duplicate",
    "leak",
    "near_leak",
    "shared_group",
    "opening",
    "skeleton",
    "class_balance",
]

_QUANTILES = {"min": 0.0, "p10": 0.1, "p50": 0.5, "p90": 0.9, "max": 1.0}


@dataclass(frozen=True)
class Finding:
    """One thing to look at. `lines` are lines of the checked file, `other_lines` of the file it was checked against."""

    kind: Kind
    message: str
    lines: tuple[int, ...]
    severity: Severity = "error"
    other_lines: tuple[int, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the finding alone fails the check."""
        return self.severity == "error"


@dataclass(frozen=True)
class Summary:
    """Row counts, most frequent first (classes in their own order), and quantiles of the prompts' length in words."""

    rows: int
    groups: int
    classes: Mapping[str, int]
    languages: Mapping[str, int]
    origins: Mapping[str, int]
    words: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """Everything a check found, in the order of the checks, and the summary of the rows."""

    findings: tuple[Finding, ...]
    summary: Summary

    @property
    def failed(self) -> bool:
        """Whether any finding fails the check."""
        return any(finding.failed for finding in self.findings)


def summarise(rows: Sequence[LabeledPrompt], classes: Sequence[str]) -> Summary:
    """Counts and lengths of `rows`; a class of `classes` without rows counts zero, no rows give no quantiles."""
    counted = Counter(row.intent for row in rows)
    return Summary(
        rows=len(rows),
        groups=len({row.group for row in rows}),
        classes={name: counted[name] for name in [*classes, *sorted(counted.keys() - set(classes))]},
        languages=_ranked(row.language for row in rows),
        origins=_ranked(row.origin for row in rows),
        words=_quantiles(sorted(len(row.prompt.split()) for row in rows)),
    )


def _ranked(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _quantiles(lengths: Sequence[int]) -> dict[str, int]:
    """Nearest-rank quantiles: every figure is the length of some row."""
    if not lengths:
        return {}
    return {name: lengths[max(0, math.ceil(share * len(lengths)) - 1)] for name, share in _QUANTILES.items()}
