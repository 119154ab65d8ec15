"""What the schema says against a user, told by field and without a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from matchpoint.alma.fields import CORE_BY_NAME, LISTS, SEGMENTS, Field, Kind
from matchpoint.alma.shapes import plural
from matchpoint.alma.xml import Element
from matchpoint.alma.xsd import schema

_BY_NAME = {segment.name: segment for segment in (*SEGMENTS, *LISTS)}
_WANTED = {
    Kind.DATE: "YYYY-MM-DD, or no element",
    Kind.DATETIME: "YYYY-MM-DDThh:mm:ss, or no element",
    Kind.BOOLEAN: "true or false",
    Kind.COUNT: "a whole number",
    Kind.AMOUNT: "a number",
}


@dataclass(frozen=True)
class Fault:
    """One thing that is not valid: ``field`` as in a finding, what was found and expected, ``line`` in the file."""

    field: str
    found: str
    expected: str
    line: int


def faults(element: Element) -> Iterator[Fault]:
    """Validate a ``<user>`` element; gives nothing for a valid one."""
    checker = schema()
    if checker.validate(element):
        return
    told: set[str] = set()
    for error in checker.error_log:  # type: ignore[attr-defined]
        field = _field(error.path)
        if field not in told:  # a bad value is told twice, by its type and by its element
            told.add(field)
            yield Fault(field, *_what(field, error), line=error.line)


def _field(path: str) -> str:
    """Give the place as findings name it: ``birth_date``, ``email.email_address``, ``user_identifier``."""
    steps = re.sub(r"\[\d+\]", "", path).split("/")
    names = [step for step in steps if step and step not in {"users", "user"}]
    segment = next((one for one in names if one in _BY_NAME), None)
    if segment is None:
        return ".".join(names[:1])
    rest = [one for one in names[names.index(segment) + 1 :] if not one.endswith("_types")]
    return ".".join([segment, *rest])


def _what(field: str, error: etree._LogEntry) -> tuple[str, str]:
    if error.type_name == "SCHEMAV_ELEMENT_CONTENT":
        if "Missing child element(s)" in error.message:
            allowed = re.findall(r"\w+", error.message.rpartition("(")[2])
            return "a child element missing", " and ".join(f"<{one}>" for one in allowed if one in _needed(field))
        return "an element that is not known, given twice or out of order", "Alma user XML version 2"
    known = _known(field)
    if known is None:
        return "what the schema does not allow", "Alma user XML version 2"
    if known.kind in _WANTED:
        return "another form", _WANTED[known.kind]
    return "a longer text", f"at most {known.length} characters"


def _needed(field: str) -> set[str]:
    segment = _BY_NAME.get(field)
    return {plural(one) if one == segment.types else one for one in segment.schema_needs} if segment else set()


def _known(field: str) -> Field | None:
    home, _, name = field.partition(".")
    if not name:
        return CORE_BY_NAME.get(home)
    return next((one for one in _BY_NAME[home].fields if one.name == name), None)
