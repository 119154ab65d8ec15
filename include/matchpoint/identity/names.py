"""Names as they are compared: without case, accents, hyphens and order; and how alike two are, from 0 to 1."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from rapidfuzz.distance import JaroWinkler

Words = tuple[str, ...]
"""The words of a given or a family name, folded."""
Name = tuple[Words, Words]
"""Given names, the middle ones too, and family name."""

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"})
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile("['\u2019\u02bc`]")

PART = 0.98
"""Likeness of a name and a part of it: of Anna Maria and Anna, van der Berg and Berg."""
INITIAL = 0.94
"""Likeness of a name and its initial."""
SWAPPED = 0.98
"""By what the likeness of two names shrinks when given and family name are exchanged."""
UNKNOWN = 0.8
"""Likeness of a name that one side does not give; also the least at which two names count as alike at all."""


def fold(name: str) -> Words:
    """Give the words of a name: O'Neill-Özil gives oneill and ozil."""
    text = _APOSTROPHES.sub("", name.casefold())
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text).translate(_PLAIN)
        text = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return tuple(_WORD.findall(text))


def words_alike(one: Words, other: Words) -> float:
    """Tell how alike two given names, or two family names, are: 1 when the same, by Jaro-Winkler when misspelled."""
    if not one or not other:
        return 1.0 if one == other else UNKNOWN
    if sorted(one) == sorted(other) or "".join(one) == "".join(other):
        return 1.0
    fewer, more = sorted((one, other), key=lambda words: (len(words), words))
    if set(fewer) <= set(more):
        return PART
    if all(word in more or (len(word) == 1 and any(longer[0] == word for longer in more)) for word in fewer):
        return INITIAL
    return float(JaroWinkler.similarity(" ".join(sorted(fewer)), " ".join(sorted(more))))


def names_alike(one: Name, other: Name) -> tuple[float, float, float]:
    """Tell how alike two names are as a whole, in the given names, and in the family name; exchanged ones too."""
    return max(_ways(one, other))


def _ways(one: Name, other: Name) -> Iterator[tuple[float, float, float]]:
    straight = words_alike(one[0], other[0]), words_alike(one[1], other[1])
    crossed = words_alike(one[0], other[1]), words_alike(one[1], other[0])
    yield sum(straight) / 2, *straight
    yield SWAPPED * sum(crossed) / 2, min(crossed), max(crossed)
