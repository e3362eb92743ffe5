"""What a set of labelled prompts holds: rows by class, and by class within each language, origin, length and tag."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from training.dataset import LabeledPrompt, fingerprint
from training.gold import Gold, gold_digest, slice_names

_TAGS_SHOWN = 15
_KINDS = ("language", "origin", "source", "words", "tag")


@dataclass(frozen=True, slots=True)
class CountedRow:
    """Rows with one name, by class (in the card's order) and in all."""

    name: str
    by_class: tuple[int, ...]
    total: int


@dataclass(frozen=True, slots=True)
class DataCard:
    """One file. `digest_name` says which digest it is; `left_out` is how many rarer tags are not in `tables`."""

    path: str
    digest_name: str
    digest: str
    groups: int
    classes: tuple[str, ...]
    all: CountedRow
    tables: dict[str, tuple[CountedRow, ...]]
    left_out: int


def gold_card(path: str, rows: Sequence[Gold], classes: Sequence[str]) -> DataCard:
    """The card of gold rows."""
    named = [(row.intent, row.slices) for row in rows]
    return _card(path, "digest of prompts and labels", gold_digest(rows), {row.group for row in rows}, named, classes)


def training_card(path: str, rows: Sequence[LabeledPrompt], classes: Sequence[str]) -> DataCard:
    """The card of training rows."""
    named = [(row.intent, slice_names(asdict(row))) for row in rows]
    return _card(path, "fingerprint of whole rows", fingerprint(rows), {row.group for row in rows}, named, classes)


def _card(
    path: str, digest_name: str, digest: str, groups: set[str],
    rows: Sequence[tuple[str, Iterable[str]]], classes: Sequence[str],
) -> DataCard:  # fmt: skip
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for intent, names in rows:
        for name in names:
            counted[name][intent] += 1
    tables = {kind: _table(kind, counted, classes) for kind in _KINDS}
    tags, tables["tag"] = tables["tag"], tables["tag"][:_TAGS_SHOWN]
    return DataCard(
        path=path,
        digest_name=digest_name,
        digest=digest,
        groups=len(groups),
        classes=tuple(classes),
        all=_row("all", Counter(intent for intent, _ in rows), classes),
        tables={kind: table for kind, table in tables.items() if table},
        left_out=len(tags) - len(tables["tag"]),
    )


def _table(kind: str, counted: dict[str, Counter[str]], classes: Sequence[str]) -> tuple[CountedRow, ...]:
    start = f"{kind}:"
    rows = [
        _row(name.removeprefix(start), counts, classes) for name, counts in counted.items() if name.startswith(start)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.total, row.name)))


def _row(name: str, counts: Counter[str], classes: Sequence[str]) -> CountedRow:
    return CountedRow(name, tuple(counts[label] for label in classes), counts.total())
