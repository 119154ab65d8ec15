"""One form for users that come from the store and from Alma, so that what says the same is the same.

Alma adds to what it is sent: names of codes (``desc``), a ``Z`` behind dates, who made a note and when, a status,
what it works out itself; and it gives segments in an order of its own. It tells no
upper from lower case in a primary id.
"""

from __future__ import annotations

from typing import Any

from matchpoint.alma.fields import CORE_FIELDS, LISTS, PRIMARY_ID, SEGMENT_TYPE, SEGMENTS, Field, Kind, Segment, User
from matchpoint.alma.identifiers import key
from matchpoint.alma.shapes import OnSynchronize
from matchpoint.canonical import canonical

_USUAL = {"status": "ACTIVE", "block_status": "ACTIVE", "block_type": "GENERAL"}
"""What Alma fills in where nothing is said (reference 5.1, 5.2)."""
_STAMPS = {"created_by", "created_date"}
"""What Alma notes of a note or block that it is sent."""


def comparable(user: User) -> User:
    """Give a user in the form in which two can be compared; what is empty, or worked out by Alma, is not in it."""
    made: User = {}
    for field in CORE_FIELDS:
        value = _value(field, user.get(field.name))
        if value is not None and field.on_synchronize is not OnSynchronize.OUTPUT:
            made[field.name] = value
    if PRIMARY_ID in made:
        made[PRIMARY_ID] = key(made[PRIMARY_ID])
    for segment in (*SEGMENTS, *_OWN_LISTS):
        for part in sorted((_part(segment, one) for one in segment.parts(user)), key=canonical):
            segment.add(made, part)
    return made


_OWN_LISTS = [one for one in LISTS if one.name != "proxy_for_user"]
"""The lists that are not worked out by Alma."""


def _part(segment: Segment, part: dict[str, Any]) -> dict[str, Any]:
    made = {SEGMENT_TYPE: part.get(SEGMENT_TYPE) or "External"} if segment in SEGMENTS else {}
    for field in segment.fields:
        value = _value(field, part.get(field.name))
        if value is not None and field.on_synchronize is not OnSynchronize.OUTPUT and field.name not in _STAMPS:
            made[field.name] = value
    made |= {flag: True for flag in segment.flags if part.get(flag)}
    if types := sorted({one["value"] for one in part.get(segment.types, ()) if one.get("value")}):
        made[segment.types] = types
    for inner in segment.parts_of_it:
        made[inner.name] = sorted((_part(inner, one) for one in part.get(inner.name, ())), key=canonical)
    return made


def _value(field: Field, value: Any) -> Any:
    """Give a value without its name, day without zone, second without fraction; None for none."""
    if field.kind is Kind.BOOLEAN:
        return True if value else None
    plain = value.get("value") if isinstance(value, dict) else value
    if plain in {None, "", 0} or _USUAL.get(field.name) == str(plain).upper():
        return None
    if field.kind in {Kind.DATE, Kind.DATETIME}:
        return str(plain)[: _LENGTHS[field.kind]]
    return plain


_LENGTHS = {Kind.DATE: len("2030-01-16"), Kind.DATETIME: len("2030-01-16T10:00:00")}
