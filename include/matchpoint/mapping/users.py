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


def map_users(rows: pd.DataFrame, profile: Profile, as_of: date) -> tuple[dict[int, User], list[Finding]]:
    """Map rows of an extract to users.

    ``rows`` holds strings, ``""`` for no value, one column per column of the extract, and the row number as
    index. The result has a user per row number, and the findings; a row with a finding has a user too, so that
    every fault of a row is told at once.
    """
    mapping: BaseModel | None = profile.mapping
    if mapping is None:
        raise ValueError(f"profile {profile.code} has no mapping: its format brings users, not rows")
    rows = rows.map(str.strip)
    columns, findings = map_columns(rows, mapping, Context(profile.crosswalks, as_of, rows))
    users: dict[int, User] = {row: {} for row in rows.index}
    for name, values in columns.items():
        if name in CORE_BY_NAME:
            _put_core(users, CORE_BY_NAME[name], values)
    for segment in MAPPED_SEGMENTS:
        for position, rule in enumerate(getattr(mapping, segment.mapping)):
            place = f"{segment.mapping}[{position}]."
            given = {name.removeprefix(place): values for name, values in columns.items() if name.startswith(place)}
            _put_segment(users, segment, rule, given)
    return users, findings


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
    fixed = _fixed_part(segment, rule)
    needed = [name for name in segment.mandatory if name in given]
    of_columns = {name for name in given if getattr(rule, name).columns}
    for row, values in _tuples(given):
        filled = {
            field.name: {"value": value} if field.kind is Kind.CODE else value
            for field, value in zip(fields, values, strict=True)
            if value
        }
        made = filled.keys() >= set(needed) if needed else not filled.keys().isdisjoint(of_columns)
        if made:
            _append(users[row], segment, {**fixed, **filled})


def _tuples(given: dict[str, Strings]) -> Iterator[tuple[int, tuple[str, ...]]]:
    index = next(iter(given.values())).index
    return zip(index, zip(*(values.tolist() for values in given.values()), strict=True), strict=True)


def _fixed_part(segment: Segment, rule: Any) -> dict[str, Any]:
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
