"""One spelling for every prompt: what training saw is what serving sees."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\ufe0f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"',
                         "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u2032": "'", "\u2033": '"'})  # fmt: skip
_SPACE = re.compile(r"\s+")


def normalise(prompt: str) -> str:
    """NFKC, no invisible or control characters, plain quotes, single spaces. Idempotent; linear in the prompt's length.

    Homoglyph and zero-width tricks end here (Unicode Technical Report 36), before features and tokens are read.
    """
    text = unicodedata.normalize("NFKC", prompt).translate(_QUOTES)
    text = _INVISIBLE.sub("", _CONTROL.sub(" ", text))
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip()
