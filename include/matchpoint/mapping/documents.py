"""Users as JSON text, written a column at a time: the fast way for rows at which nothing is to be looked twice.

The text is, byte for byte, what :func:`matchpoint.alma.law.new_user` of the mapped user is as JSON with sorted keys.
No value may hold a control character: :mod:`matchpoint.mapping.doubtful` sorts out the rows in which one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from matchpoint.alma.fields import CORE_BY_NAME, IDENTIFIERS, PRIMARY_ID, SEGMENT_TYPE, Field, Kind, Segment
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import new_user
from matchpoint.canonical import canonical
from matchpoint.hashes import Hashes, hashes_of
from matchpoint.mapping.converters import Strings
from matchpoint.mapping.users import fixed_part, given, makers, mapping_of
from matchpoint.profile import Profile
from matchpoint.profile.mapping import MAPPED_SEGMENTS

Text = Any
"""An Arrow array of texts, null where there is nothing, or one text for all rows."""


def documents(columns: Mapping[str, Strings], profile: Profile) -> tuple[pa.Array, pa.Array]:
    """Give per row the document of the new user, and its identifiers as a JSON list of [type, value].

    ``columns`` are those of :func:`matchpoint.mapping.users.map_rows`; every row has a primary id.
    """
    arrays = {name: _escaped(arrow(values)) for name, values in columns.items()}
    always = new_user({}, profile_code=profile.code, record_type=profile.record_type)
    members: dict[str, Text] = {name: _constant(name, value) for name, value in always.items()}
    for name, values in arrays.items():
        if name in CORE_BY_NAME:
            written = _member(CORE_BY_NAME[name], values)
            members[name] = pc.coalesce(written, members[name]) if name in always else written
    homes: dict[str, dict[str, Text]] = {}
    pairs = [_join("[", canonical(PRIMARY_ID), ",", _quoted(arrays[PRIMARY_ID]), "]")]
    for segment in MAPPED_SEGMENTS:
        parts = _parts(segment, profile, columns, arrays)
        if not parts:
            continue
        if segment is IDENTIFIERS:
            pairs += [pair for _, pair in parts]
        *home, name = segment.path
        listed = _enclosed(f'"{name}":[', [part for part, _ in parts], "]")
        if home:
            homes.setdefault(home[0], {})[name] = listed
        else:
            members[name] = listed
    for name, inner in homes.items():
        members[name] = _enclosed(f'"{name}":{{', _sorted(inner), "}")
    return _join("{", _joined(_sorted(members)), "}"), _join("[", _joined(pairs), "]")


def arrow(values: Strings) -> pa.Array:
    """Give a column's texts as one Arrow array, null for no value."""
    array = pa.array(values.array)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.if_else(pc.equal(array, ""), None, array)


def identifier_hashes(columns: Mapping[str, Strings]) -> list[Hashes]:
    """Give, per identifier that the mapping fills, the hash of its case-folded value by row, 0 for none."""
    places = [name for name in columns if name == PRIMARY_ID or is_identifier(name)]
    hashed = []
    for place in places:
        values = columns[place].tolist()
        hashed.append(np.where([bool(one) for one in values], hashes_of(key(one).encode() for one in values), 0))
    return hashed


def is_identifier(place: str) -> bool:
    """Tell whether a column is the value of an additional identifier, by the place of its rule."""
    return _IS_IDENTIFIER.fullmatch(place) is not None


_IS_IDENTIFIER = re.compile(rf"{IDENTIFIERS.mapping}\[\d+\]\.value")


def _escaped(values: pa.Array) -> pa.Array:
    """Escape quotes and backslashes as JSON does; other characters that it escapes are not there."""
    text = bytes_of(values)
    if ((text == 0x22) | (text == 0x5C)).any():
        values = pc.replace_substring(values, "\\", "\\\\")
        values = pc.replace_substring(values, '"', '\\"')
    return values


def bytes_of(values: pa.Array) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Give the bytes of all texts of a column in a row."""
    begin, end = values.offset, values.offset + len(values)
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)
    return np.frombuffer(values.buffers()[2] or b"", dtype=np.uint8)[offsets[begin] : offsets[end]]


def _parts(
    segment: Segment, profile: Profile, columns: Mapping[str, Strings], arrays: Mapping[str, pa.Array]
) -> list[tuple[Text, Text]]:
    """Write the segments of one kind, null where a row has none, each with its identifier where it is one."""
    parts = []
    taken: dict[str, Text] = {}
    for position, rule in enumerate(getattr(mapping_of(profile), segment.mapping)):
        names = list(given(dict(columns), segment, position))
        if not names:
            continue
        values = {name: arrays[f"{segment.mapping}[{position}].{name}"] for name in names}
        made = _made(segment, rule, values)
        fixed = {**fixed_part(segment, rule), SEGMENT_TYPE: "External"}
        members: dict[str, Text] = {name: _constant(name, value) for name, value in fixed.items()}
        members |= {name: _member(segment.field(name), one) for name, one in values.items()}
        for flag in (flag for flag in segment.flags if flag in fixed):  # the first that claims a flag has it
            if flag in taken:
                members[flag] = pc.if_else(taken[flag], None, members[flag])
            taken[flag] = pc.or_(taken[flag], made) if flag in taken else made
        part = pc.if_else(made, _join("{", _joined(_sorted(members)), "}"), None)
        pair = None
        if segment is IDENTIFIERS:
            id_type = canonical(fixed["id_type"]["value"])
            pair = pc.if_else(made, _join("[", id_type, ",", _quoted(values["value"]), "]"), None)
        parts.append((part, pair))
    return parts


def _made(segment: Segment, rule: Any, values: Mapping[str, pa.Array]) -> Any:
    """Tell in which rows a segment is made, as :func:`matchpoint.mapping.users.makers` says."""
    needed, of_columns = makers(segment, rule, list(values))
    combine, names = (pc.and_, needed) if needed else (pc.or_, of_columns)
    first, *others = (pc.is_valid(values[name]) for name in sorted(names))
    for other in others:
        first = combine(first, other)
    return first


# --- JSON, by columns -----------------------------------------------------------------------------


def _join(*texts: Text) -> Text:
    """Put texts together; null where one of them is."""
    return pc.binary_join_element_wise(*map(_large, texts), _large(""))


def _joined(texts: Iterable[Text]) -> Text:
    """Put texts together with a comma between; what is null is left out. In every row one of them is not."""
    return pc.binary_join_element_wise(*map(_large, texts), _large(","), null_handling="skip")


def _large(text: Text) -> Text:
    return pa.scalar(text, pa.large_string()) if isinstance(text, str) else text


def _quoted(values: pa.Array) -> Text:
    return _join('"', values, '"')


def _member(field: Field, values: pa.Array) -> Text:
    before, after = (f'"{field.name}":{{"value":"', '"}') if field.kind is Kind.CODE else (f'"{field.name}":"', '"')
    return _join(before, values, after)


def _constant(name: str, value: Any) -> Text:
    return _large(f'"{name}":{canonical(value)}')


def _enclosed(before: str, texts: list[Text], after: str) -> Text:
    """Put texts together between two others; null where all of them are.

    Arrow leaves out a row in which there is nothing to join, so each begins with an empty text, and its comma goes.
    """
    if len(texts) == 1:
        return _join(before, texts[0], after)
    joined = pc.utf8_slice_codeunits(_joined(["", *texts]), 1)
    return pc.if_else(pc.equal(joined, ""), None, _join(before, joined, after))


def _sorted(members: Mapping[str, Text]) -> list[Text]:
    return [members[name] for name in sorted(members)]
