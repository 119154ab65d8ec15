"""Alma's rules that Matchpoint keeps, as data. ``docs/alma-law.md`` is made of them and of the tests that show them.

A test shows a rule by ``@pytest.mark.law("<id>")``. Every rule has one.
"""

from matchpoint.alma.rulebook.accounts import ACCOUNTS
from matchpoint.alma.rulebook.loading import LOADING
from matchpoint.alma.rulebook.record import RECORD
from matchpoint.alma.rulebook.rule import SECTIONS, Rule

RULES: tuple[Rule, ...] = (*ACCOUNTS, *LOADING, *RECORD)

__all__ = ["RULES", "SECTIONS", "Rule"]
