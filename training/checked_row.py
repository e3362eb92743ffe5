"""A labelled prompt as the checks see it: numbered, in one spelling, cut into words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from classifier.text import normalise
from training.dataset import LabeledPrompt

# Han and kana are written without spaces: each character stands for a word, or a whole prompt would be one.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:'[^\W_{_UNSPACED}]+)*")
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class CheckedRow:
    """`text` is the prompt after NFKC, plain quotes, case fold and single spaces; `words` are its words in order."""

    line: int
    row: LabeledPrompt
    text: str
    words: tuple[str, ...]

    @property
    def excerpt(self) -> str:
        """The start of the text in quotation marks, for a message."""
        text = self.text if len(self.text) <= _SHOWN_CHARACTERS else self.text[: _SHOWN_CHARACTERS - 1] + "…"
        return f"“{text}”"


def checked_rows(rows: Sequence[LabeledPrompt], lines: Sequence[int] | None = None) -> list[CheckedRow]:
    """The rows with their `lines`, or numbered from 1.

    Raises:
        ValueError: `lines` is not as long as `rows`.
    """
    numbers = range(1, len(rows) + 1) if lines is None else lines
    return [_checked(line, row) for line, row in zip(numbers, rows, strict=True)]


def _checked(line: int, row: LabeledPrompt) -> CheckedRow:
    text = normalise(normalise(row.prompt).casefold())
    return CheckedRow(line, row, text, tuple(_WORD.findall(text)))
