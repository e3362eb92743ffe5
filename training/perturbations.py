"""Small edits that no reader would label otherwise: a typo, another case, style words, politeness, flags.

Each takes a prompt and a random generator and gives the prompt back edited, or as it is where the edit does not apply.
Quoted words are the picture's own: no edit touches them. Invariance tests after Ribeiro et al. 2020 ("Beyond Accuracy:
Behavioral Testing of NLP Models with CheckList").
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping

import numpy as np

Perturbation = Callable[[str, np.random.Generator], str]

FLAGS = " --ar 16:9 --v 6"

# An opening double quote that nobody closes protects the rest: an edit less is better than a wrong one.
_QUOTED = re.compile(
    r"\"[^\"]*(?:\"|$)|“[^”]*(?:”|$)|„[^“”]*(?:[“”]|$)|«[^»]*(?:»|$)|「[^」]*(?:」|$)|『[^』]*(?:』|$)"
    r"|(?<!\w)'[^']*'(?!\w)|(?<!\w)\u2018[^\u2019]*\u2019(?!\w)"
)
_WORD = re.compile(r"(?<!\w)(?<!--)[^\W\d_]{4,}(?!\w)")
_FIRST_LETTER = re.compile(r"(?<!\S)(\W*)([^\W\d_])")
_FLAG_TAIL = re.compile(r"\s--[a-z]\w*\b.*\Z", re.IGNORECASE | re.DOTALL)
_OWN_FLAGS = re.compile(r"--(?:ar|aspect|v|version)\b", re.IGNORECASE)
_REQUEST = re.compile(
    r"\W*(?:hey|hi|hello|please|pls|can|could|would|will|i|we|my|make|create|draw|design|generate|paint|show|give|need|"
    r"want|render|sketch|imagine|help|let|add|put|use|try|do|just)\b",
    re.IGNORECASE,
)

_SHORT = 8
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBOURS = {
    key: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _KEYBOARD for i, key in enumerate(row)
}  # fmt: skip

STYLES = (
    "highly detailed, cinematic lighting, 8k",
    "masterpiece, best quality, sharp focus",
    "photorealistic, 50mm lens, shallow depth of field",
    "watercolor on cotton paper, soft edges, muted palette",
    "octane render, volumetric light, unreal engine 5",
    "film grain, kodak portra 400, golden hour",
    "trending on artstation, intricate, dramatic lighting",
    "minimalist, pastel colors, soft shadows",
    "studio lighting, crisp, professional photography",
    "oil on canvas, thick brush strokes, baroque",
    "moody, atmospheric, foggy, desaturated",
    "vibrant colors, high contrast, hdr, ultra realistic",
    "anime style, cel shaded, clean lines",
    "vintage, 1970s look, faded colors",
)
_ASKING = (
    "hey, could you please make {} thanks!",
    "Hi there! Would you kindly draw {} for me? Thank you so much",
    "please can you generate {}, i'd really appreciate it",
    "hello :) I would love a picture of {}, thanks a lot!",
    "good morning, could I please have {}, many thanks",
)
_GREETING = (
    "hey! {} thank you!",
    "Good morning! {} Thanks a lot, much appreciated.",
    "hello :) {} cheers!",
    "Hi, hope you are well. {} Thanks in advance",
)


def typo(prompt: str, rng: np.random.Generator) -> str:
    """One slip in one word of four letters or more: two letters swapped, one dropped, doubled, or its neighbour key."""
    quoted = [match.span() for match in _QUOTED.finditer(prompt)]
    words = [
        match.span()
        for match in _WORD.finditer(prompt)
        if not any(start < match.end() and match.start() < end for start, end in quoted)
    ]
    if not words:
        return prompt
    start, end = words[rng.integers(len(words))]
    slip = _SLIPS[rng.integers(len(_SLIPS))]
    return prompt[:start] + slip(prompt[start:end], rng) + prompt[end:]


def change_case(prompt: str, rng: np.random.Generator) -> str:
    """All lower, Each Word Capitalised, or, for a prompt of up to eight words, ALL UPPER."""
    cases: list[Callable[[str], str]] = [str.lower, _title]
    if len(prompt.split()) <= _SHORT:
        cases.append(str.upper)
    change = cases[rng.integers(len(cases))]
    body, flags = _split(prompt)
    return outside_quotes(body, change) + flags


def add_style(prompt: str, rng: np.random.Generator) -> str:
    """Style and quality words, appended before any flags."""
    body, flags = _split(prompt)
    return f"{body.rstrip(' .,;')}, {STYLES[rng.integers(len(STYLES))]}{flags}"


def be_polite(prompt: str, rng: np.random.Generator) -> str:
    """A request with thanks around a description; a greeting with thanks around what already is a request."""
    body, flags = _split(prompt)
    wrappers = _GREETING if _REQUEST.match(body) else _ASKING
    before, after = wrappers[rng.integers(len(wrappers))].split("{}")
    return f"{before}{body}{after}{flags}"


def add_flags(prompt: str, rng: np.random.Generator) -> str:
    """Midjourney's aspect ratio and version, unless the prompt has its own."""
    del rng  # there is one way to do it
    return prompt if _OWN_FLAGS.search(prompt) else prompt.rstrip() + FLAGS


PERTURBATIONS: Mapping[str, Perturbation] = {
    "typo": typo,
    "case": change_case,
    "style words": add_style,
    "politeness": be_polite,
    "flags": add_flags,
}


def outside_quotes(text: str, change: Callable[[str], str]) -> str:
    """The text with `change` made to all of it but quoted words."""
    parts, end = [], 0
    for match in _QUOTED.finditer(text):
        parts += [change(text[end : match.start()]), match.group()]
        end = match.end()
    return "".join([*parts, change(text[end:])])


def variants(prompt: str, perturb: Perturbation, draws: int, seed: int) -> tuple[str, ...]:
    """What `draws` draws of an edit make of a prompt: each once, without the prompt itself.

    Depends on the prompt and the seed alone, not on the prompts around it.
    """
    rng = np.random.default_rng([seed, zlib.crc32(prompt.encode("utf-8", "surrogatepass"))])
    drawn = dict.fromkeys(perturb(prompt, rng) for _ in range(draws))
    return tuple(text for text in drawn if text != prompt)


def _split(prompt: str) -> tuple[str, str]:
    """The description and its tail of flags, either of which may be empty."""
    body = prompt.rstrip()
    tail = _FLAG_TAIL.search(body)
    return (body[: tail.start()], body[tail.start() :]) if tail else (body, "")


def _title(text: str) -> str:
    return _FIRST_LETTER.sub(lambda match: match[1] + match[2].upper(), text)


def _swap(word: str, rng: np.random.Generator) -> str:
    places = [i for i in range(len(word) - 1) if word[i] != word[i + 1]]
    if not places:
        return _drop(word, rng)
    i = places[rng.integers(len(places))]
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _drop(word: str, rng: np.random.Generator) -> str:
    i = rng.integers(len(word))
    return word[:i] + word[i + 1 :]


def _double(word: str, rng: np.random.Generator) -> str:
    i = rng.integers(len(word))
    return word[: i + 1] + word[i:]


def _miss(word: str, rng: np.random.Generator) -> str:
    places = [i for i, letter in enumerate(word) if letter.lower() in _NEIGHBOURS]
    if not places:
        return _double(word, rng)
    i = places[rng.integers(len(places))]
    keys = _NEIGHBOURS[word[i].lower()]
    key = keys[rng.integers(len(keys))]
    return word[:i] + (key.upper() if word[i].isupper() else key) + word[i + 1 :]


_SLIPS = (_swap, _drop, _double, _miss)
