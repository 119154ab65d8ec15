"""The account of a replay as plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from matchpoint.amounts import counted, number
from matchpoint.replay.replayed import Replay, Replayed
from matchpoint.report.text import one_line

_CODES = 20
"""Codes of a crosswalk that are shown, those of most rows."""


def tell(found: Replay) -> str:
    """Give the readable account."""
    sections = [
        (f"Replay of {found.profile}: {counted(found.users, 'user')} would change", list(_fields(found.fields))),
        *((f"{one.run}, {one.extract}", list(_extract(one))) for one in found.extracts),
        ("Columns that the mapping never reads", _wrapped(found.never_read)),
        ("Places of the mapping that no row fills", _wrapped(found.never_filled)),
        ("Codes that are in no crosswalk", list(_unmapped(found))),
    ]
    return "\n\n".join(_section(title, lines) for title, lines in sections) + "\n"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "-" * len(title), *(lines or ["none"])])


def _wrapped(names: list[str]) -> list[str]:
    return textwrap.wrap(", ".join(names), 100, break_long_words=False, break_on_hyphens=False)


def _fields(fields: dict[str, int]) -> Iterator[str]:
    for name, users in fields.items():
        yield f"{name}: {counted(users, 'user')}"


def _extract(one: Replayed) -> Iterator[str]:
    if one.error:
        yield f"cannot be read now: {one.error}"
        return
    yield f"as of {one.as_of}: {counted(one.compared, 'row')} compared, {number(one.changed)} would change"
    for name, users in one.fields.counts().items():
        rows = ", ".join(map(str, one.fields.examples[name]))
        yield f"  {name}: {counted(users, 'user')}, such as of rows {rows}"
    if one.lost:
        yield f"  {counted(one.lost, 'row')} would be rejected that went through"
        yield from (f"    {name}, {code}: {counted(n, 'row')}" for (name, code), n in one.reasons.most_common())
    if one.won:
        yield f"  {counted(one.won, 'row')} would go through that were rejected"
    if one.not_compared:
        yield f"  {counted(one.not_compared, 'row')} not compared: the run kept no profile"


def _unmapped(found: Replay) -> Iterator[str]:
    for name, codes in found.unmapped.items():
        default = ", they get its default" if name in found.with_default else ""
        yield f"{name}: {counted(len(codes), 'code')}{default}"
        for code, rows in codes.most_common(_CODES):
            yield f"  {one_line(code)}: {counted(rows, 'row')}"
        if len(codes) > _CODES:
            yield f"  ... and {number(len(codes) - _CODES)} more"
