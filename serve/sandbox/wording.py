"""Which words a prompt wants drawn, and what a model that cannot spell makes of them."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters that are drawn at most; a page of text is cut here."""

# Only so much of a prompt is searched: the search takes quadratic time in quotes that are never closed.
_SEARCHED = 4000

# An inch mark or an apostrophe is no quote: it touches a word on its outer side.
_QUOTES = (
    r"(?<!\w)\"([^\"\n]+)\"(?!\w)",
    r"“([^”\n]+)”",
    r"„([^“”\n]+)[“”]",
    r"«\s*([^»\n]+?)\s*»",
    r"\u2039\s*([^\u203a\n]+?)\s*\u203a",
    r"「([^」\n]+)」",
    r"『([^』\n]+)』",
    r"`([^`\n]+)`",
    r"\u2018([^\n]+?)\u2019(?!\w)",
    r"(?<!\w)'([^'\n]{2,})'(?!\w)",
)
_CAPS_WORD = r"[A-Z0-9][A-Z0-9'\u2019&%$€£+/.:#-]*[!?]*"
_CAPS_RUN = re.compile(rf"(?<!\w){_CAPS_WORD}(?:\s+(?:&\s+)?{_CAPS_WORD})*(?!\w)")
_SAYING = re.compile(
    r"\b(?P<verb>says|saying|that reads?|which reads?|titled|entitled|named|text:)\s*:?\s*(?P<said>.+)"
    # People read books; a sign reads words. Without an article it is the sign.
    r"|\breading:?\s+(?!(?:an?|the|his|her|their|my|your|some|to|in|on|at|by|from|under|about|glasses)\b)(?P<read>.+)",
    re.IGNORECASE | re.DOTALL,
)
_LABELLED = re.compile(
    r"\b(?:banner|sign|poster|label|logo|headline|title|caption|billboard|flyer)\s*:\s*(.+)", re.I | re.S
)
_END = re.compile(
    r"[,;\n]|[.!?]+(?=\s|$)|\s+(?:in|on|with|above|below|under|over|at|next|inside|behind|made|written|using)\b"
)
_NAME = re.compile(r"[A-Z]\w*(?:\s+(?:(?:of|the|and|von|van|de)\s+)*[A-Z]\w*)*")
_COMMA = re.compile(r"[,;\n]")
# Capitals that speak of technique or medium, not of lettering.
_JARGON = frozenset(
    ("AI", "CGI", "DSLR", "FHD", "FPS", "HD", "HDR", "HQ", "IMAX", "ISO", "LCD", "LED", "PBR", "RAW", "RGB", "TV")
) | frozenset(("UHD", "UI", "UK", "US", "USA", "UX", "VHS", "VR"))


def wanted_words(prompt: str) -> str | None:
    """The lettering a prompt asks for, one quoted piece a line, or None.

    Tried in turn: quoted text in any quote style; what follows "says", "reading", "titled" and the like; what follows
    "banner:" and the like, up to a comma; the longest run of capitals in a prompt that is not all capitals.
    """
    for rule in (_quoted, _said, _labelled, _capitals):
        words = rule(prompt[:_SEARCHED])
        if words:
            return words[:LONGEST]
    return None


def garbled(words: str) -> str:
    """`words` as a model that cannot spell draws them: same length, the same every time, never equal to `words`.

    The first of several words comes out right; figures get letters for noughts, other words a letter twice.
    """
    pieces = re.split(r"(\s+)", words)
    places = [at for at, piece in enumerate(pieces) if piece.strip()]
    for at in places[1:] or places:
        pieces[at] = _misspelt(pieces[at])
    if "".join(pieces) == words.replace("0", "O") or "".join(pieces) == words:
        # A letter O for a nought hardly shows: something else has to be wrong as well.
        longest = max(places, key=lambda at: len(pieces[at]))
        pieces[longest] = _stuttered(pieces[longest])
    return "".join(pieces)


def without(prompt: str, words: str | None) -> str:
    """The start of `prompt` on one line without the wanted words, so that a caption never passes for the lettering."""
    prompt = prompt[:_SEARCHED]
    for line in (words or "").splitlines():
        prompt = re.sub(re.escape(line), "[…]", prompt, flags=re.IGNORECASE)
    return " ".join(prompt.split())


def _quoted(prompt: str) -> str | None:
    for quotes in _QUOTES:
        found = [text.strip() for text in re.findall(quotes, prompt) if text.strip()]
        if found:
            return "\n".join(found)
    return None


def _said(prompt: str) -> str | None:
    match = _SAYING.search(prompt)
    if match is None:
        return None
    rest = (match.group("said") or match.group("read")).strip()
    capitals, name = _CAPS_RUN.match(rest), _NAME.match(rest)
    if capitals and _is_lettering(capitals.group()):
        return capitals.group().rstrip(".:")
    if name and match.group("verb") == "named":
        return name.group()
    return _until(_END, rest).strip("\"'“”\u2018\u2019`«»")


def _labelled(prompt: str) -> str | None:
    match = _LABELLED.search(prompt)
    return _until(_COMMA, match.group(1).strip()) if match else None


def _capitals(prompt: str) -> str | None:
    if not re.search(r"[a-z]", prompt):
        return None
    runs = [run for run in _CAPS_RUN.findall(prompt) if _is_lettering(run)]
    return max(runs, key=len, default="").rstrip(":.") or None


def _is_lettering(run: str) -> bool:
    """Whether a run of capitals has a word in it that is neither a figure nor jargon."""
    words = [word.strip(".:!?'\u2019/-") for word in run.split()]
    return any(len(re.findall("[A-Z]", word)) > 1 and word not in _JARGON for word in words)


def _until(end: re.Pattern[str], text: str) -> str:
    return end.split(text, maxsplit=1)[0].strip().rstrip(".")


def _misspelt(word: str) -> str:
    figure = any(sign.isdigit() for sign in word) and not any(sign.isalpha() for sign in word)
    return word.replace("0", "O") if figure else _stuttered(word)


def _stuttered(word: str) -> str:
    """A letter drawn as the one before it (OFF, OOF), the third or a later one if it can be; never equal to `word`."""
    places = [at for at in (*range(2, len(word)), *range(1, min(2, len(word)))) if word[at] != word[at - 1]]
    if places:
        at = places[0]
        return word[:at] + word[at - 1] + word[at + 1 :]
    # One letter, or one letter throughout: nothing to repeat.
    return ("Y" if word[0] == "X" else "X") + word[1:]
