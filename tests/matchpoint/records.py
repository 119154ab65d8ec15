"""Made-up whole records of Alma's, drawn from the field tables: every element, every attribute."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from matchpoint.alma.fields import CORE_FIELDS, LISTS, SEGMENTS, Field, Kind, Segment
from matchpoint.alma.xml import attributes_of

letters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn"), exclude_characters="\r")
dates = st.dates().map(str) | st.sampled_from(["2030-01-16Z", "2030-01-16+02:00"])
COUNTS = {Kind.COUNT: st.integers(0, 2**31 - 1), Kind.AMOUNT: st.integers(0, 100_000).map(lambda cents: cents / 100)}
PLAIN = {
    Kind.DATE: dates,
    Kind.DATETIME: st.datetimes().map(lambda one: one.isoformat(timespec="seconds")),
    Kind.BOOLEAN: st.booleans(),
    Kind.OPAQUE: st.just('<researcher><a b="c">d</a><e></e></researcher>'),
}


def texts(length: int) -> st.SearchStrategy[str]:
    return st.text(letters, max_size=min(length or 40, 40))


def values(field: Field) -> st.SearchStrategy[Any]:
    """Draw values of a field, in Alma's JSON form."""
    if field.kind in PLAIN:
        return PLAIN[field.kind]
    if field.kind in COUNTS:
        return st.fixed_dictionaries({"value": COUNTS[field.kind]}, optional={"link": texts(0)})
    if field.kind is Kind.CODE:
        return coded(field.length)
    return texts(field.length)


def coded(length: int) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"value": texts(length)}, optional={"desc": texts(0)})


def parts(segment: Segment) -> st.SearchStrategy[Any]:
    """Draw lists of segments of a kind, each valid by the schema."""
    given: dict[str, st.SearchStrategy[Any]] = {field.name: values(field) for field in segment.fields}
    for name in attributes_of(segment):
        given[name] = st.booleans() if name in segment.flags else texts(10)
    if segment.types:
        given[segment.types] = st.lists(coded(255), max_size=2)
    given |= {inner.name: parts(inner) for inner in segment.parts_of_it}
    needed = {name: given.pop(name) for name in segment.schema_needs}
    return st.lists(st.fixed_dictionaries(needed, optional=given), max_size=2)


IN_CONTACT = {one.name: parts(one) for one in SEGMENTS if one.path[0] == "contact_info"}
WHOLE = {
    "link": texts(0),
    **{field.name: values(field) for field in CORE_FIELDS},
    **{one.name: parts(one) for one in (*SEGMENTS, *LISTS) if one.path[0] != "contact_info"},
    "contact_info": st.fixed_dictionaries({}, optional=IN_CONTACT),
}
records = st.fixed_dictionaries({}, optional=WHOLE)
"""Valid users in Alma's JSON form."""
