"""What a rule is, and the sections that rules stand in."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

SECTIONS = MappingProxyType(
    {
        "1.1": "Account types and record types",
        "1.2": "Who owns what",
        "1.3": "Conversion",
        "1.4": "A SIS meets an internal user",
        "1.5": "Passwords and roles",
        "3.1": "Import",
        "3.2": "Synchronize: matching and new users",
        "3.3": "Synchronize: what becomes of each field",
        "3.4": "Duplicates and identifiers that are taken",
        "3.5": "Files",
        "3.6": "Expiry, status, purge",
        "3.7": "Words of rejections",
        "5.1": "The user record",
        "5.2": "Segments",
        "5.3": "Validity",
    }
)
"""Sections of the law, by number."""


@dataclass(frozen=True)
class Rule:
    """One rule of Alma's.

    ``id`` is how a test names it, ``section`` a key of :data:`SECTIONS`, ``text`` what holds, and ``source`` where
    Alma says so, or why it is so where Alma's documents are silent or disagree.
    """

    id: str
    section: str
    text: str
    source: str
