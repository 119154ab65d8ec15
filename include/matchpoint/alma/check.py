"""Alma's second layer of rules, beyond the form of the record: each a small function that tells what is at fault.

Source: what Alma's SIS job and REST API reject beyond the schema, and the limits that the schema states.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import (
    CORE_BY_NAME,
    IDENTIFIERS,
    PRIMARY_ID,
    SEGMENTS,
    STATUSES,
    Field,
    Kind,
    Segment,
    User,
)
from matchpoint.alma.identifiers import generated_id, key

Part = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """One thing at fault in a user.

    ``field`` is the place as findings name it, ``code`` a key of :data:`matchpoint.findings.TEXTS`. A fault of a
    segment has the ``segment`` and the ``part`` of the user; ``flag`` is what is at fault of it, if not the whole.
    """

    field: str
    code: str
    detail: str
    segment: Segment | None = None
    part: Part | None = None
    flag: str = ""


@dataclass(frozen=True)
class Context:
    """What the rules know besides the user: the code tables and the record type of the profile's users."""

    tables: CodeTables = dataclasses.field(default_factory=CodeTables)
    record_type: str = ""


def check_user(user: User, context: Context = Context()) -> Iterator[Fault]:
    """Check one user as it comes from an extract."""
    for rule in _RULES:
        yield from rule(user, context)


_Leaf = tuple[Segment | None, Part | None, Field, str]
"""A text of a user: its segment and part, if it is in one, its field, and the text."""


def leaves(user: User) -> Iterator[tuple[str, Field, str]]:
    """Walk over every text of a user with its place and its field."""
    for segment, _, field, value in _leaves(user):
        yield _place(segment, field), field, value


def _leaves(user: User) -> Iterator[_Leaf]:
    for name, value in user.items():
        core = CORE_BY_NAME.get(name)
        if core is not None:
            yield None, None, core, _text(value)
    for segment in SEGMENTS:
        for part in segment.parts(user):
            for one in segment.fields:
                value = part.get(one.name)
                if value is not None and one.kind is not Kind.BOOLEAN:
                    yield segment, part, one, _text(value)
            for each in part.get(segment.types, ()):
                yield segment, part, _TYPE_FIELDS[segment.name], each["value"]


_TYPE_FIELDS = {
    segment.name: Field(segment.types, Kind.CODE, table=segment.types_table) for segment in SEGMENTS if segment.types
}


def _place(segment: Segment | None, field: Field) -> str:
    return f"{segment.name}.{field.name}" if segment else field.name


def _text(value: Any) -> str:
    return str(value["value"]) if isinstance(value, dict) else str(value)


# --- the rules ------------------------------------------------------------------------------------


def _every_text(user: User, context: Context) -> Iterator[Fault]:
    """Characters, lengths, dates and codes: every text, one by one."""
    for segment, part, field, value in _leaves(user):
        for code, detail in _text_faults(field, value, context):
            yield Fault(_place(segment, field), code, detail, segment, part)


_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text_faults(field: Field, value: str, context: Context) -> Iterator[tuple[str, str]]:
    """Tell code and detail of what is at fault."""
    if not value.isascii() or not value.isprintable():
        for wrong in _NOT_IN_XML.findall(value)[:1]:
            yield "control_character", f"found U+{ord(wrong):04X}; expected text"
    if field.length and len(value) > field.length:
        yield "too_long", f"found {len(value)} characters; expected at most {field.length}"
    if field.kind is Kind.DATE and not _is_date(value):
        yield "not_a_date", f"found {value!r}; expected YYYY-MM-DD"
    elif field.kind is Kind.DATETIME and not _is_datetime(value):
        yield "not_a_date", f"found {value!r}; expected YYYY-MM-DDThh:mm:ss"
    elif field.table and value:
        problem = context.tables.problem(field.table, value, context.record_type)
        if problem:
            yield problem, f"found {value!r}; expected a code of {field.table}"


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


def _primary_id(user: User, _: Context) -> Iterator[Fault]:
    if not user.get(PRIMARY_ID) and not generated_id(user):
        yield Fault(PRIMARY_ID, "mandatory", PRIMARY_ID)


def _status(user: User, _: Context) -> Iterator[Fault]:
    if user.get("status") and user["status"]["value"] not in STATUSES:
        yield Fault("status", "not_accepted", f"expected {' or '.join(STATUSES)}")


def _complete_segments(user: User, _: Context) -> Iterator[Fault]:
    for segment in SEGMENTS:
        for part in segment.parts(user):
            for name in segment.mandatory:
                if name not in part:
                    place = f"{segment.name}.{name}"
                    yield Fault(place, "mandatory", f"{segment.name} {name}", segment, part)


def two_alike(user: User) -> Iterator[Fault]:
    """Find identifiers of one user that are the same, the primary id among them: Alma takes each once."""
    seen = {key(user[PRIMARY_ID]): PRIMARY_ID} if user.get(PRIMARY_ID) else {}
    for part in user.get(IDENTIFIERS.name, ()):
        if "id_type" not in part or not part.get("value"):
            continue
        id_type, value = part["id_type"]["value"], part["value"]
        if key(value) in seen:
            detail = f"{seen[key(value)]} and {id_type} are both {value!r}"
            yield Fault(IDENTIFIERS.name, "two_identifiers", detail, IDENTIFIERS, part)
        seen.setdefault(key(value), id_type)


def _two_alike(user: User, _: Context) -> Iterator[Fault]:
    yield from two_alike(user)


def _one_preferred(user: User, _: Context) -> Iterator[Fault]:
    for segment in SEGMENTS:
        for flag in segment.flags:
            claiming = [part for part in segment.parts(user) if part.get(flag)]
            for part in claiming[1:]:
                detail = f"found {len(claiming)} {segment.name} that are {flag}"
                yield Fault(segment.name, "two_preferred", detail, segment, part, flag)


def _contact(user: User, context: Context) -> Iterator[Fault]:
    if context.record_type == "CONTACT":
        for part in user.get(IDENTIFIERS.name, ()):
            yield Fault(IDENTIFIERS.name, "contact_identifier", "expected a primary id only", IDENTIFIERS, part)


_RULES: tuple[Callable[[User, Context], Iterator[Fault]], ...] = (
    _every_text,
    _primary_id,
    _complete_segments,
    _two_alike,
    _one_preferred,
    _status,
    _contact,
)
