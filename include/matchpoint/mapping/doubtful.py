"""Which rows must be looked at one by one: all others are surely without fault.

Every rule of :mod:`matchpoint.alma.check` has its quick question here, put to a whole column. It may doubt a good
row, never pass a bad one; what it doubts is mapped and checked the plain way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matchpoint.alma.check import Context, check_user
from matchpoint.alma.fields import CORE_BY_NAME, PRIMARY_ID, STATUSES, Field, Kind
from matchpoint.hashes import Hashes
from matchpoint.mapping.converters import Strings
from matchpoint.mapping.documents import arrow, bytes_of
from matchpoint.mapping.users import fixed_part, mapping_of
from matchpoint.profile import Profile
from matchpoint.profile.converters import DateConverter
from matchpoint.profile.mapping import MAPPED_SEGMENTS, Constant, FieldRule, rules_of

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def doubtful_rows(
    columns: Mapping[str, Strings],
    identifiers: Sequence[Hashes],
    faulty: Mask,
    profile: Profile,
    context: Context,
) -> Mask:
    """Tell row by row who is to be looked at.

    ``identifiers`` are the hashes of :func:`matchpoint.mapping.documents.identifier_hashes`, ``faulty`` the rows of
    which mapping has found something wrong.
    """
    if _all_doubtful(columns, profile, context):
        return np.ones(len(faulty), dtype=bool)
    doubtful = faulty.copy()
    rules = dict(rules_of(mapping_of(profile)))
    arrays = {place: arrow(values) for place, values in columns.items()}
    doubtful |= _mask(pc.is_null(arrays[PRIMARY_ID]))
    for place, values in arrays.items():
        for found in _doubts(values, field_of(place), rules[place], context):
            doubtful |= _mask(found)
    doubtful |= _alike(identifiers)
    return doubtful


def _all_doubtful(columns: Mapping[str, Strings], profile: Profile, context: Context) -> bool:
    """Tell whether there is doubt about every row: no primary id, contacts, or something wrong with a constant."""
    if PRIMARY_ID not in columns or profile.record_type == "CONTACT":
        return True
    mapping = mapping_of(profile)
    constants = [
        (segment, fixed_part(segment, rule))
        for segment in MAPPED_SEGMENTS
        for rule in getattr(mapping, segment.mapping)
    ]
    for segment, part in constants:
        user: dict[str, Any] = {PRIMARY_ID: "x"}
        segment.add(user, part)
        if any(fault.code not in {"mandatory", "two_preferred"} for fault in check_user(user, context)):
            return True
    return False


def field_of(place: str) -> Field:
    """Give the field that a rule fills, by the rule's place."""
    if place in CORE_BY_NAME:
        return CORE_BY_NAME[place]
    mapping, _, name = place.partition("].")
    segment = next(one for one in MAPPED_SEGMENTS if one.mapping == mapping.partition("[")[0])
    return segment.field(name)


def _doubts(values: pa.Array, field: Field, rule: FieldRule, context: Context) -> Iterator[Any]:
    """Doubt the values of one column: characters, length, form, code."""
    if _has_odd_character(values):
        yield pc.match_substring_regex(values, r"[\x00-\x1f\x{fffe}\x{ffff}]")
    if field.length:
        longest = pc.max(pc.binary_length(values)).as_py()
        if longest is not None and longest > field.length:
            yield pc.greater(pc.utf8_length(values), field.length)
    if field.kind is Kind.DATETIME or (field.kind is Kind.DATE and not _is_made_a_date(rule)):
        yield pc.is_valid(values)
    elif field.kind is Kind.DATE:
        yield pc.not_equal(pc.binary_length(values), len("YYYY-MM-DD"))
    if field.kind is Kind.CODE and field.table:
        bad = [
            value
            for value in pc.unique(values).to_pylist()
            if value is not None and context.tables.problem(field.table, value, context.record_type)
        ]
        if bad:
            yield pc.is_in(values, pa.array(bad, values.type))
    if field.name == "status":
        yield pc.invert(pc.is_in(values, pa.array([*STATUSES, None], values.type)))


def _is_made_a_date(rule: FieldRule) -> bool:
    """Tell whether every value of a rule went through the date converter: then it is a date."""
    has_constant = any(isinstance(source, Constant) for source in rule.sources)
    return bool(rule.convert) and isinstance(rule.convert[-1], DateConverter) and not has_constant


def _has_odd_character(values: pa.Array) -> bool:
    """Tell whether a column has a character that XML may not hold, by one look at its bytes."""
    text = bytes_of(values)
    last_of_plane = (text[:-1] == 0xBF) & (text[1:] >= 0xBE)
    return bool((text < 0x20).any() or last_of_plane.any())


def _alike(hashed: Sequence[Hashes]) -> Mask:
    """Find rows in which two identifiers may be the same."""
    alike = np.zeros(len(hashed[0]), dtype=bool)
    for one, other in combinations(hashed, 2):
        alike |= (one == other) & (one != 0)
    return alike


def _mask(found: Any) -> Mask:
    return np.asarray(pc.fill_null(found, fill_value=False))
