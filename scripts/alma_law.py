"""Write ``docs/alma-law.md``: every rule of Alma's that Matchpoint keeps, with the tests that show it.

The rules come from ``matchpoint.alma.rulebook``, the tests from pytest's own collection: nothing is typed twice.
``--check`` writes nothing and fails when the document, or the marks of the tests, are out of date.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from matchpoint.alma.rulebook import RULES, SECTIONS, Rule

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENT = REPOSITORY / "docs" / "alma-law.md"
HEAD = """\
# Alma's law

What Alma does with a user record, rule by rule, and the tests that show that Matchpoint does the same. Where Alma's
documents are silent or disagree, the source says so, and the rule is what loses nothing. This page is made by
`make law` from the rules in [`matchpoint/alma/rulebook`](../include/matchpoint/alma/rulebook) and the marks of the
tests; a test fails when it is out of date.
"""


class _Marks:
    """A pytest plugin that notes which tests show which rule."""

    def __init__(self) -> None:
        self.shown: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            path = item.path.relative_to(REPOSITORY).as_posix()
            for mark in item.iter_markers("law"):
                self.shown[mark.args[0]].add((path, getattr(item, "originalname", item.name)))


def collect() -> dict[str, set[tuple[str, str]]]:
    """Give the tests, as file and name, by the rule they show."""
    marks = _Marks()
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        where = str(REPOSITORY / "tests" / "matchpoint")  # where the library's tests are
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", where], plugins=[marks])
    if code:
        raise SystemExit(f"the tests cannot be collected (pytest says {code}); run make test")
    return marks.shown


def faults(shown: dict[str, set[tuple[str, str]]]) -> list[str]:
    """Tell what does not fit: rules given twice or without a test, marks of no rule."""
    names = [rule.id for rule in RULES]
    return [
        *(
            f"rule {name}: found twice; expected once"
            for name in sorted({one for one in names if names.count(one) > 1})
        ),
        *(f"rule {name}: found no test; expected one with @pytest.mark.law" for name in names if name not in shown),
        *(
            f"mark law({name!r}): found no such rule in matchpoint.alma.rulebook"
            for name in sorted(shown.keys() - set(names))
        ),
    ]


def document(shown: dict[str, set[tuple[str, str]]]) -> str:
    """Give the text of the page."""
    parts = [HEAD]
    for number, title in SECTIONS.items():
        rules = [rule for rule in RULES if rule.section == number]
        if rules:
            lines = [_line(rule, shown[rule.id]) for rule in rules]
            table = "\n".join(["| rule | source | shown by |", "|---|---|---|", *lines])
            parts.append(f"## {number} {title}\n\n{table}\n")
    return "\n".join(parts)


def _line(rule: Rule, tests: set[tuple[str, str]]) -> str:
    shown = "<br>".join(f"[{_words(name)}](../{path})" for path, name in sorted(tests))
    return f"| {_cell(rule.text)} | {_cell(rule.source)} | {shown} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _words(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


def main() -> int:
    """Run the command; gives its exit code."""
    shown = collect()
    told = faults(shown)
    if not told and "--check" not in sys.argv:
        DOCUMENT.write_text(document(shown), encoding="utf-8")
    elif not told and document(shown) != DOCUMENT.read_text(encoding="utf-8"):
        told = [f"{DOCUMENT.relative_to(REPOSITORY)}: found an older state; run make law"]
    sys.stderr.writelines(f"{one}\n" for one in told)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
