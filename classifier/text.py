"""One spelling for every prompt: what training saw is what serving sees."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0f\ufeff\U000e0000-\U000e007f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ONE_SPELLING = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"',
                         "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u2032": "'", "\u2033": '"', "\u00df": "ss",
                         "\u1e9e": "SS", "\u0153": "oe", "\u0152": "OE"})  # fmt: skip
_SPACE = re.compile(r"\s+")
# One character can stand for eighteen (U+FDFA): a bound before the spelling is none after it.
_LONGEST = 32_000
# Midjourney's parameters that take a word or nothing, and any other with a number for a value. `--draft` stays: it is a
# wish for speed.
_PARAMETER = re.compile(
    r"--(?:no\b.*|(?:aspect|chaos|[cos]ref|exp|fast|hd|niji|personalize|p|profile|public|quality|raw|relax|repeat|seed|"
    r"stealth|stop|style|stylize|tile|turbo|version|video|v|weird)(?:[ =]\S+)?|(?!draft\b)[a-z]+[ =](?=\D*\d)\S+)",
    re.IGNORECASE,
)
_BEFORE_PARAMETER = re.compile(r" (?=--[a-z])", re.IGNORECASE)


def normalise(prompt: str) -> str:
    """NFKC, plain quotes, sharp s as ss, oe for its ligature, single spaces, no `--ar 16:9` at the end.

    Taken out: soft hyphens, zero-width characters and direction marks (U+200B-200F, U+202A-202E, U+2060-206F, U+FEFF),
    variation selector 16, tag characters (U+E0000-E007F). A space each: control characters (C0, DEL, C1) and halves of
    surrogate pairs. All else stays, also letters of one script that look like those of another (Unicode Technical
    Report 36). Parameters tell an image model how to draw, and nothing of what.

    Of what is longer than 32,000 characters the beginning. Idempotent; linear in the prompt's length.
    """
    text = unicodedata.normalize("NFKC", prompt[:_LONGEST])[:_LONGEST].translate(_ONE_SPELLING)
    text = _INVISIBLE.sub("", _CONTROL.sub(" ", text))
    return _without_parameters(_SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip())


def _without_parameters(text: str) -> str:
    parts = _BEFORE_PARAMETER.split(text)
    while len(parts) > 1 and _PARAMETER.fullmatch(parts[-1]):
        parts.pop()
    return " ".join(parts).rstrip()
