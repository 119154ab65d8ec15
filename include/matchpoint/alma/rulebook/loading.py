"""Rules of import and synchronize."""

from __future__ import annotations

from matchpoint.alma.rulebook.rule import Rule

LOADING: tuple[Rule, ...] = ()
