"""A verdict: one sign that a feed is not what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from matchpoint.health.words import TO_DO

Sign = tuple[str, str, str, str]
"""Code, column ("" for the whole file), what was found, what was expected."""
Signs = Iterator[Sign]


@dataclass(frozen=True)
class Verdict:
    """One sign, and what it does.

    ``code`` is a key of :data:`matchpoint.health.words.TITLES`, ``action`` is stop, hold or warn, ``subject`` the
    file, ``column`` the column in it or "", and ``text`` the whole sentence. Nothing in it is of one person.
    """

    code: str
    action: str
    subject: str
    column: str
    found: str
    expected: str
    text: str

    @classmethod
    def of(cls, sign: Sign, action: str, subject: str) -> Verdict:
        """Make the verdict on a file, with its sentence."""
        code, column, found, expected = sign
        where = f"{subject}, column {column}" if column else subject
        text = f"{where}: found {found}; expected {expected}. {TO_DO[code]}"
        return cls(code, action, subject, column, found, expected, text)

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)
