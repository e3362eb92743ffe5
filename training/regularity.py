"""Signs that rows were made by one mould: openings and sentence frames that come back too often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from training.checked_row import CheckedRow
from training.data_report import Finding, Severity
from training.function_words import function_words

OPENING_SHARE = 0.01
OPENING_ROWS = 5
SKELETON_ROWS = 5
# Bare frames ("_ on a _") come back in any honest set: the commonest had 0.7 % of 3,100 prompts written one at a time,
# and no frame of four or more function words came five times. So a rich frame fails, a bare one fails by its share.
BARE_FUNCTION_WORDS = 3
BARE_SHARE = 0.02

_OPENING_WORDS = 3
_SKELETON_TOKENS = 4
_MASK = "_"


@dataclass(frozen=True)
class Skeleton:
    """A prompt's frame: its function words, with each run of other words replaced by one `_`."""

    tokens: tuple[str, ...]

    @property
    def function_words(self) -> int:
        """How many tokens are not masked."""
        return sum(token != _MASK for token in self.tokens)

    @property
    def tells(self) -> bool:
        """Whether the frame is long enough for its return to mean something: four tokens, so two function words."""
        return len(self.tokens) >= _SKELETON_TOKENS


def skeleton(row: CheckedRow) -> Skeleton:
    """The frame of a prompt by the function words of its language; numerals count as function words."""
    known = function_words(row.row.language)
    masked = (word if word in known or word.isdecimal() else _MASK for word in row.words)
    return Skeleton(tuple(token for token, run in groupby(masked) for token in (run if token != _MASK else [token])))


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
    """Frames that come back in more than `SKELETON_ROWS` groups; bare ones only warn up to `BARE_SHARE` of the rows."""
    seen: dict[Skeleton, dict[str, int]] = defaultdict(dict)
    for row in rows:
        seen[skeleton(row)].setdefault(row.row.group, row.line)
    for frame, first_lines in seen.items():
        if frame.tells and len(first_lines) > SKELETON_ROWS:
            share = len(first_lines) / len(rows)
            message = f'the frame "{" ".join(frame.tokens)}" has {len(first_lines)} rows ({share:.1%}): rephrase some'
            yield Finding("skeleton", message, tuple(first_lines.values()), _severity(frame, share))


def _severity(frame: Skeleton, share: float) -> Severity:
    return "warning" if frame.function_words <= BARE_FUNCTION_WORDS and share <= BARE_SHARE else "error"
