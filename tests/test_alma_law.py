"""docs/alma-law.md is made of the rules and of the tests that show them, and is up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from matchpoint.alma.rulebook import RULES, SECTIONS

REPOSITORY = Path(__file__).resolve().parents[1]


def test_every_rule_stands_in_a_section_and_says_where_it_is_from() -> None:
    for rule in RULES:
        assert rule.section in SECTIONS, rule.id
        assert rule.text.endswith((".", '."')), rule.id
        assert rule.source, rule.id


def test_every_rule_is_shown_by_a_test_and_the_page_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/alma_law.py", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
