"""Which words a new classifier knows: those of its prompts, of its glossary, and of its encoder's vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from classifier.spelling import Spelling, words_in

# A word of so many training prompts is what others are meant for.
_FREQUENT = 5


def fit_spelling(texts: Sequence[str], vocabulary: Iterable[str]) -> Spelling:
    """Knows every word of the n normalised `texts` and of `vocabulary`; mends to the frequent ones of the texts."""
    counts = Counter(word for text in texts for word in set(words_in(text)))
    frequent = [word for word, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n >= _FREQUENT]
    known = {word for token in vocabulary if not token.startswith("##") for word in words_in(token)}
    return Spelling(frequent, known | counts.keys())
