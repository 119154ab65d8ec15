"""From mapped columns to users in Alma's JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
from pydantic import BaseModel

from matchpoint.alma.fields import CORE_BY_NAME, Field, Kind, Segment, User
from matchpoint.findings import Finding
from matchpoint.mapping.columns import map_columns
from matchpoint.mapping.converters import Context, Strings
from matchpoint.profile import Profile
from matchpoint.profile.mapping import MAPPED_SEGMENTS


def map_rows(rows: pd.DataFrame, profile: Profile, as_of: date) -> tuple[dict[str, Strings], list[Finding]]:
    """Map rows of an extract to columns, one per rule of the profile's mapping, keyed by place.

    ``rows`` holds strings, ``""`` for no value, one column per column of the extract, and the row number as index.
    """
    rows = rows.apply(lambda column: column.str.strip())
    return map_columns(rows, mapping_of(profile), Context(profile.crosswalks, as_of, rows))


def map_users(rows: pd.DataFrame, profile: Profile, as_of: date) -> tuple[dict[int, User], list[Finding]]:
    """Map rows of an extract to users, the plain way: a user per row number, and the findings.

    A row with a finding has a user too, so that every fault of a row is told at once.
    """
    columns, findings = map_rows(rows, profile, as_of)
    return users_of(columns, rows.index.tolist(), profile), findings


def mapping_of(profile: Profile) -> BaseModel:
    """Give the mapping of a profile whose format brings rows."""
    mapping: BaseModel | None = profile.mapping
    if mapping is None:
        raise ValueError(f"profile {profile.code} has no mapping: its format brings users, not rows")
    return mapping


def users_of(columns: dict[str, Strings], rows: list[int], profile: Profile) -> dict[int, User]:
    """Make a user of each row out of the columns that :func:`map_rows` gives, by row number."""
    mapping = mapping_of(profile)
    users: dict[int, User] = {row: {} for row in rows}
    for name, values in columns.items():
        if name in CORE_BY_NAME:
            _put_core(users, CORE_BY_NAME[name], values)
    for segment in MAPPED_SEGMENTS:
        for position, rule in enumerate(getattr(mapping, segment.mapping)):
            _put_segment(users, segment, rule, given(columns, segment, position))
    return users


def given(columns: dict[str, Strings], segment: Segment, position: int) -> dict[str, Strings]:
    """Give the columns of one rule of a kind of segment, by field."""
    place = f"{segment.mapping}[{position}]."
    return {name.removeprefix(place): values for name, values in columns.items() if name.startswith(place)}


def _put_core(users: dict[int, User], field: Field, values: Strings) -> None:
    coded = field.kind is Kind.CODE
    for row, value in zip(values.index, values.tolist(), strict=True):
        if value:
            users[row][field.name] = {"value": value} if coded else value


def _put_segment(users: dict[int, User], segment: Segment, rule: Any, given: dict[str, Strings]) -> None:
    """Add one segment to every user that has a value for it, the first preferred one stays preferred."""
    if not given:
        return
    fields = [segment.field(name) for name in given]
    fixed = fixed_part(segment, rule)
    needed, of_columns = makers(segment, rule, list(given))
    for row, values in _tuples(given):
        filled = {
            field.name: {"value": value} if field.kind is Kind.CODE else value
            for field, value in zip(fields, values, strict=True)
            if value
        }
        made = filled.keys() >= needed if needed else not filled.keys().isdisjoint(of_columns)
        if made:
            _append(users[row], segment, {**fixed, **filled})


def _tuples(given: dict[str, Strings]) -> Iterator[tuple[int, tuple[str, ...]]]:
    index = next(iter(given.values())).index
    return zip(index, zip(*(values.tolist() for values in given.values()), strict=True), strict=True)


def makers(segment: Segment, rule: Any, fields: list[str]) -> tuple[set[str], set[str]]:
    """Tell which fields make a segment: all of these must have a value; where there are none, one of those."""
    needed = {name for name in segment.mandatory if name in fields}
    return needed, {name for name in fields if getattr(rule, name).columns}


def fixed_part(segment: Segment, rule: Any) -> dict[str, Any]:
    """Give what a rule says of every segment it makes: types, flags and literal fields."""
    fixed: dict[str, Any] = {flag: True for flag in segment.flags if getattr(rule, flag)}
    for name in segment.literals:
        value = getattr(rule, name)
        fixed[name] = {"value": value} if segment.field(name).kind is Kind.CODE else value
    if segment.types:
        fixed[segment.types] = [{"value": one} for one in rule.types]
    return fixed


def _append(user: User, segment: Segment, part: dict[str, Any]) -> None:
    others = segment.parts(user)
    for flag in segment.flags:
        if part.get(flag) and any(other.get(flag) for other in others):
            part = {name: value for name, value in part.items() if name != flag}
    segment.add(user, part)
