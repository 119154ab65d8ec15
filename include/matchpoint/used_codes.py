"""The codes of Alma's code tables that a profile names: constants, what crosswalks give, types, defaults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from matchpoint.alma.fields import CORE_BY_NAME, LISTS, SEGMENTS
from matchpoint.mapping.doubtful import field_of
from matchpoint.mapping.users import fixed_part
from matchpoint.profile import Profile
from matchpoint.profile.converters import CrosswalkConverter
from matchpoint.profile.mapping import MAPPED_SEGMENTS, Constant, FieldRule, rules_of


class Used(NamedTuple):
    """A code: the field it is for, as ``user_group`` or ``email.email_types``, its table, and itself."""

    field: str
    table: str
    code: str


def tables_used() -> list[str]:
    """Name every code table that users have codes of."""
    segments = (*SEGMENTS, *LISTS)
    fields = [*CORE_BY_NAME.values(), *(field for segment in segments for field in segment.fields)]
    return sorted(({one.table for one in fields} | {one.types_table for one in segments}) - {""})


def used_codes(profile: Profile) -> list[Used]:
    """List the codes that a profile names, each once; those that come in rows are not known before."""
    if profile.mapping is None:
        return []
    found = [*_of_rules(profile), *_of_segments(profile)]
    found += [Used(name, CORE_BY_NAME[name].table, code) for name, code in profile.defaults.items()]
    return list(dict.fromkeys(one for one in found if one.table and one.code))


def _of_rules(profile: Profile) -> Iterator[Used]:
    for place, rule in rules_of(profile.mapping) if profile.mapping else ():
        field, name = field_of(place), place.partition("[")
        of_segment = next((one.name for one in MAPPED_SEGMENTS if name[1] and one.mapping == name[0]), "")
        where = f"{of_segment}.{field.name}" if of_segment else field.name
        yield from (Used(where, field.table, code) for code in _given(rule, profile))


def _given(rule: FieldRule, profile: Profile) -> Iterator[str]:
    yield from (one.constant for one in rule.sources if isinstance(one, Constant))
    for one in rule.convert:
        if isinstance(one, CrosswalkConverter):
            yield from profile.crosswalks[one.crosswalk].values()


def _of_segments(profile: Profile) -> Iterator[Used]:
    for segment in MAPPED_SEGMENTS:
        for rule in getattr(profile.mapping, segment.mapping):
            part = fixed_part(segment, rule)
            for one in part.get(segment.types, ()):
                yield Used(f"{segment.name}.{segment.types}", segment.types_table, one["value"])
            for field in segment.fields:
                if field.table and isinstance(part.get(field.name), dict):
                    yield Used(f"{segment.name}.{field.name}", field.table, part[field.name]["value"])
