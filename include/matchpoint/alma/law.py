"""Alma's law for one user: what a new user looks like, and what a synchronize makes of an existing one.

Pure functions over users in Alma's JSON form. Source: Alma's help on SIS integration ("Swap All"), the field
notes of ``rest_user.xsd``, and Alma's articles on external user data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from matchpoint.alma.fields import (
    CORE_BY_NAME,
    CORE_FIELDS,
    IDENTIFIERS,
    LISTS,
    PRIMARY_ID,
    SEGMENTS,
    SPECIAL_LISTS,
    OnSynchronize,
    Segment,
    User,
)
from matchpoint.alma.identifiers import key

Changes = dict[str, list[Any]]
"""Per changed field or kind of segment: the value before and the value after; None where there is none."""

_ACTIVE = {"value": "ACTIVE"}


def new_user(incoming: User, *, profile_code: str, record_type: str) -> User:
    """Make a new EXTERNAL user of an incoming one: the profile gives external id and record type."""
    return {
        **_external(incoming),
        "record_type": {"value": record_type},
        "account_type": {"value": "EXTERNAL"},
        "external_id": profile_code,
        "status": incoming.get("status", _ACTIVE),
    }


def synchronize(
    existing: User,
    incoming: User,
    *,
    profile_code: str,
    protected: Collection[str] = (),
    empty_special: Literal["keep", "clear"] = "keep",
) -> User:
    """Swap All: give the EXTERNAL user that results when ``incoming`` meets ``existing``.

    Core fields are replaced, absent ones removed; the special fields named in ``protected`` keep their manual
    edit; external segments are swapped, internal ones, roles and password stay. The profile becomes, or stays,
    the user's ``external_id``.
    """
    incoming = _external(incoming)
    result = {name: value for name, value in existing.items() if name not in _SWAPPED}
    for name, rule in _RULES.items():
        old, new = existing.get(name), incoming.get(name)
        value = old if _keeps(rule, new is None, name in protected, empty_special) else new
        if value is not None:
            result[name] = value
    result["external_id"] = profile_code
    result.setdefault("status", _ACTIVE)
    for segment in SEGMENTS:
        for part in _swapped(segment, existing, incoming):
            segment.add(result, part)
    return result


def _keeps(rule: OnSynchronize, is_empty: bool, is_protected: bool, empty_special: str) -> bool:
    """Tell whether a field stays as it was, by its rule."""
    if rule is OnSynchronize.REPLACED:
        return False
    if rule is OnSynchronize.IDENTITY:
        return is_empty
    if rule is OnSynchronize.SPECIAL:
        return is_protected or (is_empty and empty_special == "keep")
    return True


def changes(before: User, after: User) -> Changes:
    """Tell what differs between two states of a user, by field and by kind of segment."""
    found: Changes = {}
    for name in sorted(before.keys() | after.keys()):
        if name in _SEGMENT_HOMES:
            continue
        if before.get(name) != after.get(name):
            found[name] = [before.get(name), after.get(name)]
    for segment in SEGMENTS:
        old, new = segment.parts(before), segment.parts(after)
        if old != new:
            found[segment.name] = [old, new]
    return found


def as_before(user: User, before: Mapping[str, Any]) -> User:
    """Undo changes: give the user with the fields and kinds of segments of ``before`` as they were, None for none."""
    result = {name: value for name, value in user.items() if name not in before and name not in _SEGMENT_HOMES}
    result |= {name: before[name] for name in before if name in CORE_BY_NAME or name in _LISTS}
    result = {name: value for name, value in result.items() if value is not None}
    for segment in SEGMENTS:
        for part in before.get(segment.name, segment.parts(user)):
            segment.add(result, part)
    return result


_LISTS = {one.name for one in LISTS}
_RULES = {field.name: field.on_synchronize for field in CORE_FIELDS} | dict.fromkeys(
    SPECIAL_LISTS, OnSynchronize.SPECIAL
)
SPECIAL_FIELDS = frozenset(name for name, rule in _RULES.items() if rule is OnSynchronize.SPECIAL)
"""The fields in which a manual edit outlives a synchronize."""
_SEGMENT_HOMES = {segment.path[0] for segment in SEGMENTS}
_SWAPPED = _RULES.keys() | _SEGMENT_HOMES


def _external(incoming: User) -> User:
    """Mark every segment of an incoming user as External: on a SIS load that is what it becomes."""
    marked = {name: value for name, value in incoming.items() if name not in _SEGMENT_HOMES}
    for segment in SEGMENTS:
        for part in segment.parts(incoming):
            segment.add(marked, {**part, "segment_type": "External"})
    return marked


def _swapped(segment: Segment, existing: User, incoming: User) -> list[dict[str, Any]]:
    """Keep the internal parts and take the incoming ones; what the library prefers stays preferred."""
    internal = [part for part in segment.parts(existing) if part.get("segment_type") == "Internal"]
    taken = {flag for flag in segment.flags if any(part.get(flag) for part in internal)}
    external = segment.parts(incoming)
    if taken:
        external = [{name: value for name, value in part.items() if name not in taken} for part in external]
    if segment is IDENTIFIERS:
        held = {key(part["value"]) for part in internal} | {key(incoming.get(PRIMARY_ID, ""))}
        external = [part for part in external if key(part["value"]) not in held]
    return internal + external
