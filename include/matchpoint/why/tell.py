"""The account of one person as plain text, for the one who asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from matchpoint.report.text import one_line
from matchpoint.why.account import Changed, Why


def tell(account: Why) -> str:
    """Give the readable account."""
    sections: tuple[tuple[str, list[str]], ...] = (
        (_who(account), []),
        ("Rows seen, the newest run first", list(_rows(account))),
        (f"Keys tried{_of(account)}", [f"{one.match_point} {one.value!r}: {one.hit}" for one in account.tried]),
        (f"Rules fired{_of(account)}", list(_fired(account))),
        (
            "Where each field comes from",
            [f"{one.field} = {_text(one.value)}: {one.origin}" for one in account.origins],
        ),
        ("Protected fields, with the SIS's value", [f"{n}: {_text(v)}" for n, v in account.protections.items()]),
        ("Last changes, the newest first", [line for one in account.changes for line in _changed(one)]),
        ("Next planned change", list(_planned(account))),
    )
    notes = [("Notes", account.notes)] if account.notes else []
    return "\n\n".join(_section(title, lines) for title, lines in (*sections, *notes)) + "\n"


def _section(title: str, lines: list[str]) -> str:
    rule = "=" * len(title) if title.startswith("Why ") else "-" * len(title)
    body = ["none"] if not lines and not title.startswith("Why ") else [one_line(line) for line in lines]
    return "\n".join([one_line(title), rule, *body])


def _of(account: Why) -> str:
    return f", for {account.rule_row}" if account.rule_row else ""


def _who(account: Why) -> str:
    title = f"Why {account.identifier}: "
    if account.user is None:
        return f"{title}no user has this identifier"
    kind = account.user["account_type"]["value"]
    owner = f", profile {account.user['external_id']}" if account.user.get("external_id") else ""
    state = ", deleted" if account.deleted else ""
    return f"{title}{account.user['primary_id']} ({kind}{owner}), version {account.version}{state}"


def _rows(account: Why) -> Iterator[str]:
    for one in account.rows:
        applied = "" if one.applied else ", not applied"
        why = f": {'; '.join(one.why)}" if one.why else ""
        yield f"{one.extract}, row {one.row}: {one.outcome}{why} ({one.run_id}{applied}, {one.planned_at[:19]})"


def _fired(account: Why) -> Iterator[str]:
    for one in account.fired:
        through = f" through {', '.join(one.converters)}" if one.converters else ""
        yield f"{one.place} = {one.value!r}: {one.source} {one.found!r}{through}"


def _changed(one: Changed) -> Iterator[str]:
    where = f", run {one.run_id}" if one.run_id else ""
    row = f", row {one.row}" if one.row is not None else ""
    rule = one.rule or "unknown"
    yield f"version {one.version}, {one.at[:19]}: {one.outcome} by {one.actor}, rule {rule}{where}{row}"
    for name, (before, after) in one.fields.items():
        yield f"    {name}: {_text(before)} -> {_text(after)}"


def _planned(account: Why) -> Iterator[str]:
    if (one := account.planned) is not None:
        yield f"{one.outcome}{f': {one.why}' if one.why else ''} (run {one.run_id}, planned {one.planned_at[:19]})"
        for name, (before, after) in one.fields.items():
            yield f"    {name}: {_text(before)} -> {_text(after)}"


def _text(value: Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
