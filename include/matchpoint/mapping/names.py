"""Names of people: their letters, and the parts of a whole one."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
_SMALL = {"van", "von", "de", "der", "den", "da", "di", "du", "la", "le", "of"}
_SUFFIXES = {"jr": "Jr", "sr": "Sr", "phd": "PhD", "md": "MD", "esq": "Esq"}
_NUMERAL = re.compile(r"(?:ii|iii|iv|v|vi{1,3}|ix)")


def recase(name: str) -> str:
    """Recase a name written in one case only: O'BRIEN-MCNEIL III becomes O'Brien-McNeil III; others stay."""
    cased = name.replace("ß", "")  # it has no capital in common use: GROßMANN is in one case
    if cased not in {cased.upper(), cased.lower()}:
        return name
    words = _WORD.sub(lambda word: word[0].capitalize(), name.lower())
    words = re.sub(r"\bMc([a-z])", lambda found: "Mc" + found[1].upper(), words)
    first, *others = words.split(" ")
    return " ".join([first, *(_later(word) for word in others)])


def _later(word: str) -> str:
    """Recase a word that is not the first: a particle, a suffix, a numeral."""
    plain = word.lower().strip(".,")
    if plain in _SMALL:
        return word.lower()
    if plain in _SUFFIXES:
        return word.lower().replace(plain, _SUFFIXES[plain])
    return word.upper() if _NUMERAL.fullmatch(plain) else word


def part_of(name: str, part: str, order: str) -> str:
    """Give the ``first``, ``middle``, ``last`` name or the ``suffix`` of a whole name, "" when it has none.

    A particle belongs to the last name (Ludwig van Beethoven), a single name is a last name.
    """
    words, suffix = _without_suffix(name)
    if order == "last_first" and "," in words:
        last, _, rest = words.partition(",")
        given = rest.split()
    else:
        given, last = _split(words.replace(",", " ").split(), order)
    parts = {"first": " ".join(given[:1]), "middle": " ".join(given[1:]), "last": last.strip(), "suffix": suffix}
    return parts[part]


def _without_suffix(name: str) -> tuple[str, str]:
    words = name.split()
    if len(words) > 1:
        plain = words[-1].lower().strip(".,")
        if plain in _SUFFIXES or _NUMERAL.fullmatch(plain):
            return " ".join(words[:-1]).rstrip(","), words[-1].strip(",")
    before, _, after = name.partition(",")
    last = before.split()
    if after and len(last) > 1 and last[-1].lower().strip(".") in _SUFFIXES:  # Smith Jr., John
        return f"{' '.join(last[:-1])},{after}", last[-1]
    return name, ""


def _split(words: list[str], order: str) -> tuple[list[str], str]:
    """Divide words into given names and a last name with its particles."""
    if len(words) < 2:
        return [], " ".join(words)
    if order == "last_first":
        return words[1:], words[0]
    begin = len(words) - 1
    while begin > 1 and words[begin - 1].lower() in _SMALL:
        begin -= 1
    return words[:begin], " ".join(words[begin:])
