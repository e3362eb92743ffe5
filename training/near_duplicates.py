"""Pairs of prompts that share most of their wording.

Two prompts are near-duplicates when the Jaccard index of their sets of three-word windows is above `NEAR_JACCARD`.
One half is where the larger part of the windows is shared: a prompt of twelve words stays above it with any one word
changed, while prompts on one theme, written apart, share a window or two. MinHash only proposes pairs; each is then
confirmed on the exact sets, so that nothing is reported by chance.

The bands are chosen for recall: with 42 bands of 3 rows, a pair at the threshold is proposed with probability
1 - (1 - 0.5^3)^42 = 0.996, and a pair at 0.6 is missed less than once in ten thousand (Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", section 3.4). Seed and hash are fixed: the same rows give the same pairs on any machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from training.checked_row import CheckedRow

NEAR_JACCARD = 0.5

_WINDOW = 3
_BANDS = 42
_ROWS_PER_BAND = 3
_SEED = 1
# A row that is like so many earlier ones is one more print of a known template. Left out of the index, it keeps a file
# of ten thousand prints from being compared print by print: minutes instead of seconds.
_CROWD = 50


class Signature(Protocol):
    """The part of `datasketch.MinHash` that a type checker needs: its hash values, one for each permutation."""

    hashvalues: Sequence[int]


class _Index(Protocol):
    """The part of `datasketch.MinHashLSH` used here; keys are positions."""

    def insert(self, key: int, minhash: Signature) -> None:
        """File a signature under its position."""

    def query(self, minhash: Signature) -> list[int]:
        """The positions that share a band with the signature, in no order."""


@dataclass(frozen=True)
class SimilarPair:
    """Two rows and the Jaccard index, in (0.5, 1], of their three-word windows."""

    left: CheckedRow
    right: CheckedRow
    jaccard: float


def similar_within(rows: Sequence[CheckedRow]) -> Iterator[SimilarPair]:
    """Near-duplicates among `rows` whose groups differ, the earlier row on the left.

    Rows with the same text are looked at once: those are exact duplicates, which another check finds.
    """
    by_text: dict[str, CheckedRow] = {}
    for row in rows:
        by_text.setdefault(row.text, row)
    distinct = list(by_text.values())
    windows = [_windows(row) for row in distinct]
    index = _new_index()
    for position, signature in enumerate(signatures(windows)):
        pairs = [
            pair
            for earlier in sorted(index.query(signature))
            if distinct[earlier].row.group != distinct[position].row.group
            for pair in _confirmed(distinct[earlier], distinct[position], windows[earlier], windows[position])
        ]
        yield from pairs
        if len(pairs) < _CROWD:
            index.insert(position, signature)


def similar_between(rows: Sequence[CheckedRow], others: Sequence[CheckedRow]) -> Iterator[SimilarPair]:
    """Near-duplicates with one row of each side, whatever their groups; pairs with the same text are left out."""
    windows, other_windows = [_windows(row) for row in rows], [_windows(row) for row in others]
    index = _new_index()
    for position, signature in enumerate(signatures(other_windows)):
        index.insert(position, signature)
    for row, own, signature in zip(rows, windows, signatures(windows), strict=True):
        for position in sorted(index.query(signature)):
            if others[position].text != row.text:
                yield from _confirmed(row, others[position], own, other_windows[position])


def _windows(row: CheckedRow) -> frozenset[str]:
    """The three-word windows; a prompt of fewer words is one window, one of emoji only is its text."""
    if len(row.words) < _WINDOW:
        return frozenset({" ".join(row.words) or row.text})
    return frozenset(" ".join(row.words[start : start + _WINDOW]) for start in range(len(row.words) - _WINDOW + 1))


def _confirmed(
    left: CheckedRow, right: CheckedRow, left_windows: frozenset[str], right_windows: frozenset[str]
) -> Iterator[SimilarPair]:
    shared = len(left_windows & right_windows)
    jaccard = shared / (len(left_windows) + len(right_windows) - shared)
    if jaccard > NEAR_JACCARD:
        yield SimilarPair(left, right, jaccard)


def signatures(windows: Sequence[Collection[str]]) -> Iterator[Signature]:
    """The MinHash sketch of each set of windows: 126 hash values that depend on the strings alone."""
    from datasketch import MinHash  # noqa: PLC0415 - half a second, only for checks

    encoded = ([window.encode() for window in each] for each in windows)
    yield from MinHash.generator(encoded, num_perm=_BANDS * _ROWS_PER_BAND, seed=_SEED)


def _new_index() -> _Index:
    from datasketch import MinHashLSH  # noqa: PLC0415 - as above

    index: _Index = MinHashLSH(num_perm=_BANDS * _ROWS_PER_BAND, params=(_BANDS, _ROWS_PER_BAND))
    return index
