"""Reading Alma's user XML version 2 as a SIS extract, into users in Alma's JSON form.

What a SIS file must not decide (account type, roles, password, ``segment_type`` and so on) is not taken over, as Alma
ignores it on a SIS load.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from matchpoint.alma.fields import LISTS, SEGMENTS, SPECIAL_LISTS, Field, Kind, User, mappable_core_fields
from matchpoint.alma.shapes import OnSynchronize, Segment
from matchpoint.alma.xml import Element, drop_unknown, to_user
from matchpoint.alma.xml_faults import faults
from matchpoint.alma.xml_files import iterate_users
from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile import AlmaXmlFormat

_CORE = {field.name: field for field in mappable_core_fields()}
_SPECIAL = [one for one in LISTS if one.name in SPECIAL_LISTS]


def read_alma_xml(file: IO[bytes], name: str, form: AlmaXmlFormat) -> Iterator[tuple[int, User, list[Finding]]]:
    """Read users one by one: the number of the ``<user>`` in the file from 1, the user, what the schema says.

    Raises :class:`ExtractError` when the file is empty, not well-formed, has a doctype, or holds no ``<user>``.
    """
    number = 0
    for element in iterate_users(file, name):
        number += 1
        if form.unknown_elements == "ignore":
            drop_unknown(element)
        yield number, sis_part(to_user(element, _CORE)), list(_findings(element, number))
    if not number:
        raise ExtractError(
            name, "no <user>", "a root <users> with at least one <user>", "Ask the SIS for the extract."
        )


def _findings(element: Element, number: int) -> Iterator[Finding]:
    for fault in faults(element):
        detail = f"line {fault.line}: found {fault.found}; expected {fault.expected}"
        yield Finding(number, fault.field, "schema", detail)


def sis_part(user: User) -> User:
    """Give what of a whole user a SIS load takes: labels and owners go, an empty value is as none."""
    part: User = {}
    for field in _CORE.values():
        _put(part, field, user.get(field.name))
    for segment in SEGMENTS:
        for one in segment.parts(user):
            segment.add(part, _part(segment, one))
    for special in _SPECIAL:
        for one in special.parts(user):
            special.add(part, _part(special, one))
    return part


def _put(home: dict[str, Any], field: Field, value: Any) -> None:
    if field.kind is Kind.BOOLEAN:
        home.update({} if value is None else {field.name: value})
        return
    text = (value["value"] if isinstance(value, dict) else value or "").strip()
    if field.kind is Kind.DATE:
        text = text.removesuffix("Z")
    if text:
        home[field.name] = {"value": text} if field.kind is Kind.CODE else text


def _part(segment: Segment, one: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = {flag: True for flag in segment.flags if one.get(flag)}
    for field in segment.fields:
        if field.on_synchronize is not OnSynchronize.OUTPUT:
            _put(part, field, one.get(field.name))
    types = [{"value": each["value"].strip()} for each in one.get(segment.types, []) if each["value"].strip()]
    if types:
        part[segment.types] = types
    return part
