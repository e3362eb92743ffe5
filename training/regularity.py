"""Signs that rows were made by one mould: openings and sentence frames that come back too often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from training.checked_row import CheckedRow
from training.data_report import Finding
from training.function_words import function_words

OPENING_SHARE = 0.01
OPENING_ROWS = 5
SKELETON_ROWS = 5

_OPENING_WORDS = 3
_SKELETON_TOKENS = 4
_FUNCTION_WORDS = 2
_MASK = "_"


@dataclass(frozen=True)
class Skeleton:
    """A prompt's frame: its function words in their order, with `_` for each other word."""

    tokens: tuple[str, ...]

    @property
    def tells(self) -> bool:
        """Whether its return means something: four tokens or more, two of them function words."""
        known = sum(token != _MASK for token in self.tokens)
        return len(self.tokens) >= _SKELETON_TOKENS and known >= _FUNCTION_WORDS


def skeleton(row: CheckedRow) -> Skeleton:
    """The frame of a prompt by the function words of its language; numerals count as function words."""
    known = function_words(row.row.language)
    return Skeleton(tuple(word if word in known or word.isdecimal() else _MASK for word in row.words))


def regular_openings(rows: Sequence[CheckedRow]) -> Iterator[Finding]:
    """The first three words that open at least `OPENING_ROWS` rows and more than `OPENING_SHARE` of all."""
    lines: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        if len(row.words) >= _OPENING_WORDS:
            lines[row.words[:_OPENING_WORDS]].append(row.line)
    for opening, opened in lines.items():
        share = len(opened) / len(rows)
        if len(opened) >= OPENING_ROWS and share > OPENING_SHARE:
            message = f'"{" ".join(opening)} …" opens {len(opened)} rows ({share:.1%}): begin some of them otherwise'
            yield Finding("opening", message, tuple(opened))


def regular_skeletons(rows: Sequence[CheckedRow]) -> Iterator[Finding]:
    """Frames that come back in more than `SKELETON_ROWS` groups."""
    seen: dict[Skeleton, dict[str, int]] = defaultdict(dict)
    for row in rows:
        seen[skeleton(row)].setdefault(row.row.group, row.line)
    for frame, first_lines in seen.items():
        if frame.tells and len(first_lines) > SKELETON_ROWS:
            message = f'the frame "{" ".join(frame.tokens)}" is in {len(first_lines)} groups: rephrase some'
            yield Finding("skeleton", message, tuple(first_lines.values()))
