"""Alma's rules for one user that come with the record's form: lengths, dates, characters, identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from matchpoint.alma.fields import (
    CORE_BY_NAME,
    IDENTIFIERS,
    PRIMARY_ID,
    SEGMENTS,
    STATUSES,
    Field,
    Kind,
    User,
)
from matchpoint.findings import Finding

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def key(identifier: str) -> str:
    """Give the form in which identifiers are compared: Alma tells no upper from lower case."""
    return identifier.casefold()


def identifiers(user: User) -> list[tuple[str, str]]:
    """List all identifiers of a user as (type, value), the primary id first."""
    found = [(PRIMARY_ID, user[PRIMARY_ID])] if user.get(PRIMARY_ID) else []
    return found + [
        (one["id_type"]["value"], one["value"])
        for one in user.get(IDENTIFIERS.name, [])
        if "id_type" in one and one.get("value")
    ]


def generated_id(user: User) -> str:
    """Give the primary id that Alma makes for a new user who has none: first and last name in one.

    Blanks go, as an identifier has none; "" when the user has no name either.
    """
    name = f"{user.get('first_name', '')}{user.get('last_name', '')}"
    return "".join(name.split())[: CORE_BY_NAME[PRIMARY_ID].length - _ROOM]


_ROOM = 10
"""Characters that stay free for the sequence behind a generated primary id."""


def check_user(row: int, user: User) -> list[Finding]:
    """Check one user as it comes from an extract."""
    findings = [finding for place, field, value in leaves(user) for finding in _check(row, place, field, value)]
    if not user.get(PRIMARY_ID) and not generated_id(user):
        findings.append(Finding(row, PRIMARY_ID, "mandatory", PRIMARY_ID))
    findings += _incomplete(row, user)
    findings += two_alike(row, user)
    findings += _two_preferred(row, user)
    if user.get("status") and user["status"]["value"] not in STATUSES:
        findings.append(Finding(row, "status", "not_accepted", f"expected {' or '.join(STATUSES)}"))
    return findings


def leaves(user: User) -> Iterator[tuple[str, Field, str]]:
    """Walk over every text of a user with its place and its field."""
    for name, value in user.items():
        field = CORE_BY_NAME.get(name)
        if field is not None:
            yield name, field, value["value"] if field.kind is Kind.CODE else value
    for segment in SEGMENTS:
        for part in segment.parts(user):
            for field in segment.fields:
                value = part.get(field.name)
                if value is not None and field.kind is not Kind.BOOLEAN:
                    yield f"{segment.name}.{field.name}", field, _text(value)


def _text(value: Any) -> str:
    return str(value["value"]) if isinstance(value, dict) else str(value)


def _check(row: int, place: str, field: Field, value: str) -> Iterator[Finding]:
    if _NOT_IN_XML.search(value):
        code = ord(_NOT_IN_XML.findall(value)[0])
        yield Finding(row, place, "control_character", f"found U+{code:04X}; expected text")
    if field.length and len(value) > field.length:
        yield Finding(row, place, "too_long", f"found {len(value)} characters; expected at most {field.length}")
    if field.kind is Kind.DATE and not _is_date(value):
        yield Finding(row, place, "not_a_date", f"found {value!r}; expected YYYY-MM-DD")
    if field.kind is Kind.DATETIME and not _is_datetime(value):
        yield Finding(row, place, "not_a_date", f"found {value!r}; expected YYYY-MM-DDThh:mm:ss")


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(Z|[+-]\d{2}:\d{2})?")


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True


def _is_datetime(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value


def _incomplete(row: int, user: User) -> Iterator[Finding]:
    for segment in SEGMENTS:
        for part in segment.parts(user):
            for name in segment.mandatory:
                if name not in part:
                    yield Finding(row, f"{segment.name}.{name}", "mandatory", f"{segment.name} {name}")


def _two_preferred(row: int, user: User) -> Iterator[Finding]:
    for segment in SEGMENTS:
        for flag in segment.flags:
            number = sum(bool(part.get(flag)) for part in segment.parts(user))
            if number > 1:
                yield Finding(row, segment.name, "two_preferred", f"found {number} {segment.name} that are {flag}")


def two_alike(row: int, user: User) -> Iterator[Finding]:
    """Find identifiers of one user that are the same, the primary id among them: Alma takes each once."""
    seen: dict[str, str] = {}
    for id_type, value in identifiers(user):
        if key(value) in seen:
            detail = f"{seen[key(value)]} and {id_type} are both {value!r}"
            yield Finding(row, IDENTIFIERS.name, "two_identifiers", detail)
        seen.setdefault(key(value), id_type)
