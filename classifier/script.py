"""Which script a text is written in: what an encoder's vocabulary lacks it cannot read, however sure its head is."""

from __future__ import annotations

import unicodedata
from collections import Counter

LATIN = "LATIN"


def main_script(text: str) -> str | None:
    """The script of most letters, as the first word of their Unicode names ("LATIN", "CJK"); None without letters.

    Linear in the text; a name is looked up once for each distinct character.
    """
    if text.isascii():
        return LATIN if any(character.isalpha() for character in text) else None
    letters: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha():
            letters[unicodedata.name(character, "UNNAMED").split()[0]] += count
    return max(letters, key=lambda script: (letters[script], script)) if letters else None
