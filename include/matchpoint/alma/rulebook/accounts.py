"""Rules of account types and the library's own users."""

from __future__ import annotations

from matchpoint.alma.rulebook.rule import Rule

ACCOUNTS: tuple[Rule, ...] = ()
