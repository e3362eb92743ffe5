"""Rows that say the same: within a file, and between a file and the one it must not leak into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from training.checked_row import CheckedRow
from training.data_report import Finding
from training.near_duplicates import SimilarPair, similar_between, similar_within


def repeated_prompts(rows: Sequence[CheckedRow]) -> Iterator[Finding]:
    """One finding for each prompt that occurs again, spelled alike after folding; a conflict if its labels differ."""
    by_text: dict[str, list[CheckedRow]] = defaultdict(list)
    for row in rows:
        by_text[row.text].append(row)
    for same in by_text.values():
        if len(same) > 1:
            yield _repetition(same)


def reworded_prompts(rows: Sequence[CheckedRow]) -> Iterator[Finding]:
    """One finding for each cluster of near-duplicates that are not declared as one group."""
    for pairs in _clusters(similar_within(rows)):
        closest = max(pairs, key=lambda pair: pair.jaccard)
        lines = tuple(sorted({row.line for pair in pairs for row in (pair.left, pair.right)}))
        yield Finding("near_duplicate", f"{_likeness(closest)}: rewrite them, or give them one group", lines)


def leaks(rows: Sequence[CheckedRow], others: Sequence[CheckedRow]) -> Iterator[Finding]:
    """Prompts of `rows` that `others` hold too (word for word or nearly), and groups that both name."""
    yield from _exact_leaks(rows, others)
    yield from _near_leaks(rows, others)
    yield from _shared_groups(rows, others)


def _repetition(same: Sequence[CheckedRow]) -> Finding:
    lines = tuple(row.line for row in same)
    labels = sorted({row.row.intent for row in same})
    if len(labels) > 1:
        message = f"{same[0].excerpt} is labelled {' and '.join(labels)}: decide, and keep one row"
        return Finding("label_conflict", message, lines)
    return Finding("duplicate", f"{same[0].excerpt} occurs {len(same)} times: keep one row", lines)


def _exact_leaks(rows: Sequence[CheckedRow], others: Sequence[CheckedRow]) -> Iterator[Finding]:
    other_lines = _lines_by((row.text, row.line) for row in others)
    excerpts = {row.text: row.excerpt for row in rows}
    for text, lines in _lines_by((row.text, row.line) for row in rows).items():
        if text in other_lines:
            yield _leak("leak", f"{excerpts[text]} is in both files", lines, other_lines[text])


def _near_leaks(rows: Sequence[CheckedRow], others: Sequence[CheckedRow]) -> Iterator[Finding]:
    by_line: dict[int, list[SimilarPair]] = defaultdict(list)
    for pair in similar_between(rows, others):
        by_line[pair.left.line].append(pair)
    for line, pairs in by_line.items():
        closest = max(pairs, key=lambda pair: pair.jaccard)
        yield _leak("near_leak", _likeness(closest), [line], [pair.right.line for pair in pairs])


def _shared_groups(rows: Sequence[CheckedRow], others: Sequence[CheckedRow]) -> Iterator[Finding]:
    other_lines = _lines_by((row.row.group, row.line) for row in others)
    for group, lines in _lines_by((row.row.group, row.line) for row in rows).items():
        if group in other_lines:
            yield _leak("shared_group", f"both files have rows of group {group!r}", lines, other_lines[group])


def _leak(
    kind: Literal["leak", "near_leak", "shared_group"], what: str, lines: Sequence[int], others: Sequence[int]
) -> Finding:
    return Finding(kind, f"{what}: remove or rename it in one of them", tuple(lines), other_lines=tuple(others))


def _lines_by(keyed: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    lines: dict[str, list[int]] = defaultdict(list)
    for key, line in keyed:
        lines[key].append(line)
    return lines


def _likeness(pair: SimilarPair) -> str:
    return f"{pair.left.excerpt} and {pair.right.excerpt} share {pair.jaccard:.0%} of their three-word windows"


def _clusters(pairs: Iterable[SimilarPair]) -> list[list[SimilarPair]]:
    """The pairs that tie rows together, those of one cluster in one list.

    A template's rows make one finding, not one for each two of them: a pair between rows already tied is dropped.
    """
    parents: dict[int, int] = {}
    ties: list[SimilarPair] = []
    for pair in pairs:
        left, right = _root(parents, pair.left.line), _root(parents, pair.right.line)
        if left != right:
            parents[max(left, right)] = min(left, right)
            ties.append(pair)
    clusters: dict[int, list[SimilarPair]] = defaultdict(list)
    for tie in ties:
        clusters[_root(parents, tie.left.line)].append(tie)
    return list(clusters.values())


def _root(parents: dict[int, int], line: int) -> int:
    """The first line of the cluster of `line`; shortens the way there, so that long chains stay cheap."""
    while (parent := parents.setdefault(line, line)) != line:
        parents[line] = line = parents[parent]
    return line
