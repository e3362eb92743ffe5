"""Slips of the hand, mended before a prompt is read: an unknown word becomes the known one that is an edit away.

An English WordPiece vocabulary cuts "sgin" into pieces that mean nothing, and no surface feature finds it. Like the
features, the words are data: a bundle carries its own `spelling.json`. The prompt itself is never changed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from classifier.errors import BundleError

_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]{4,20}(?![^\W\d_])")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# The encoder reads no further, and a prompt of 30,000 characters shall cost no more than one of 300.
_MOST = 100


class Spelling:
    """Knows words, and mends those that it does not know. Thread-safe, no cache.

    Args:
        targets: words that a slip may have been meant for, as `spelled`, the most frequent first.
        others: words that are known besides, and stay as they are.
    """

    def __init__(self, targets: Sequence[str] = (), others: Iterable[str] = ()) -> None:
        self._ranks = {word: rank for rank, word in enumerate(targets)}
        self._others = frozenset(others) - self._ranks.keys()

    def mend(self, text: str) -> str:
        """The text with each unknown word of 4 to 20 letters replaced by the most frequent target an edit away.

        An edit is a letter dropped, added or replaced, or two neighbours swapped (Damerau 1964). Only the first 100
        unknown words are looked at; words without such a target, and the case of those that have one, stay.
        """
        if not self._ranks:
            return text
        left = _MOST

        def mended(match: re.Match[str]) -> str:
            nonlocal left
            word = spelled(match.group())
            if left == 0 or word in self._ranks or word in self._others:
                return match.group()
            left -= 1
            meant = min(self._ranks.keys() & set(_edits(word)), key=self._ranks.__getitem__, default=None)
            return match.group() if meant is None else _cased(meant, match.group())

        return _WORD.sub(mended, text)

    def to_json(self) -> str:
        """The text of `spelling.json`."""
        return json.dumps({"format": 1, "targets": list(self._ranks), "others": sorted(self._others)}, indent=0)

    @classmethod
    def from_json(cls, text: str) -> Spelling:
        """Read `spelling.json`.

        Raises:
            BundleError: another format, or no lists of words.
        """
        try:
            raw = json.loads(text)
            if raw["format"] != 1:
                raise BundleError(f"spelling.json has format {raw['format']!r}; this version reads format 1")
            return cls([str(word) for word in raw["targets"]], [str(word) for word in raw["others"]])
        except (ValueError, KeyError, TypeError) as error:
            raise BundleError(f"spelling.json cannot be read: {error}") from error


def words_in(text: str) -> Iterator[str]:
    """The words that are looked at, as `spelled`."""
    return (spelled(match.group()) for match in _WORD.finditer(text))


def spelled(word: str) -> str:
    """Lower case, without accents: how an uncased tokenizer sees it."""
    word = word.lower()
    return word if word.isascii() else "".join(c for c in unicodedata.normalize("NFD", word) if not _is_mark(c))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) == "Mn"


def _edits(word: str) -> Iterator[str]:
    for i in range(len(word) + 1):
        before, after = word[:i], word[i:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in _LETTERS)
        yield from (before + letter + after for letter in _LETTERS)


def _cased(meant: str, written: str) -> str:
    if written.isupper():
        return meant.upper()
    return meant.capitalize() if written[0].isupper() else meant
