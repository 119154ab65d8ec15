"""What Alma's SIS job tells of a rejected user: why, in plain words, and who it was.

Alma's texts are those of reference 3.7. How Alma's API lays an event out is not found: so every text in it is looked
at, whatever it is called. A text may hold a person's data; what is made of it here does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matchpoint.alma.identifiers import key
from matchpoint.deliver.words import words_of


@dataclass(frozen=True)
class Reason:
    """Why Alma rejected a user: our code of it, and words with what to do, without a person's data."""

    code: str
    message: str


_KNOWN = (
    (r"user is not external", "internal", words_of("internal")),
    (
        r"identifier of type (?P<what>\w+) and value .*is already taken .*in this feed",
        "taken_in_feed",
        "An identifier of type {what} stands twice in the load. Tell a data engineer.",
    ),
    (
        r"identifier of type (?P<what>\w+) and value .*is already taken",
        "taken",
        "Somebody else in Alma has the identifier of type {what}. Merge the two users, or free it there.",
    ),
    (
        r"mandatory field is missing: (?P<what>[a-z ]{1,40})",
        "missing",
        "Alma wants a field that is missing: {what}. Fill it in the profile.",
    ),
    (
        r"missing a mandatory field: (?P<what>[a-z ]{1,40})",
        "missing",
        "Alma wants a field that is missing: {what}. Fill it in the profile.",
    ),
    (r"could not parse file", "unreadable", words_of("unreadable")),
    (r"invalid byte \d+ of|content is not allowed in prolog", "unreadable", "Alma could not read the file's text."),
)
"""Alma's texts as patterns, with our code and words; the first that fits counts."""

UNKNOWN = Reason("rejected", words_of("rejected"))

_VALUE = re.compile(r"identifier of type \w+ and value (?P<value>.+?) is already taken", re.IGNORECASE | re.DOTALL)
_ABOUT_THE_EVENT = re.compile(
    r"^id$|(^|_)(link|instance|job|number|row|line|place|file|member|code|severity|date|time|at|desc|message|description)$",
    re.IGNORECASE,
)
"""Names of what in an event tells nothing of who it was, though a number there may look like an identifier."""


def reason_of(event: Any) -> Reason:
    """Say why, by the first text of an event that is known."""
    texts = [text for _, text in _texts(event)]
    for pattern, code, words in _KNOWN:
        for text in texts:
            found = re.search(pattern, text, re.IGNORECASE | re.DOTALL)
            if found:
                return Reason(code, words.format(**{name: one.strip() for name, one in found.groupdict().items()}))
    return UNKNOWN


def keys_in(event: Any) -> set[str]:
    """Give what in an event may be an identifier of the person, case-folded as identifiers are compared."""
    found = set()
    for name, text in _texts(event):
        if not _ABOUT_THE_EVENT.search(name):
            found.add(key(text.strip()))
        if taken := _VALUE.search(text):
            found.add(key(taken["value"].strip()))
    return found - {""}


def _texts(event: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Give every text with its name; where a part has a name and a value, that name is meant."""
    if isinstance(event, dict):
        said = event.get("name") or event.get("type")
        said = said.get("value") if isinstance(said, dict) else said
        inner = {one: value for one, value in event.items() if not (said and one in {"name", "type"})}
        for one, value in inner.items():
            yield from _texts(value, str(said) if said and one == "value" else (name if one == "value" else one))
    elif isinstance(event, list):
        for one in event:
            yield from _texts(one, name)
    elif isinstance(event, str | int) and not isinstance(event, bool):
        yield name, str(event)
