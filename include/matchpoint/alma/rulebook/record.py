"""Rules of the record, its validity, its code tables."""

from __future__ import annotations

from matchpoint.alma.rulebook.rule import Rule

RECORD: tuple[Rule, ...] = ()
