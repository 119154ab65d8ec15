"""Reading Alma's user XML version 2 in a stream, into users in Alma's JSON form.

Doctypes, entities and network access are off: a file that has them is refused. What a SIS file must not decide
(account type, roles, password, ``segment_type`` and so on) is not read, as Alma ignores it on a SIS load.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from matchpoint.alma.fields import SEGMENTS, SPECIAL_LISTS, Field, Kind, Segment, User, mappable_core_fields
from matchpoint.errors import ExtractError
from matchpoint.findings import Finding

_CORE = {field.name: field for field in mappable_core_fields()}
_CONTAINERS = {f"{segment.name}s" for segment in SEGMENTS if len(segment.path) == 1}
_BY_NAME = {segment.name: segment for segment in SEGMENTS}
_FAULTS = {
    code: name.removeprefix("ERR_").replace("_", " ").lower()
    for name, code in vars(etree.ErrorTypes).items()
    if name.startswith("ERR_") and name != "ERR_INTERNAL_ERROR"
}
"""What can be wrong with XML, by libxml2's number, without a word of the file."""
_SPECIAL_CONTAINERS = {"rs_libraries": "rs_library", "library_notices": "library_notice"}


def read_alma_xml(file: IO[bytes], name: str) -> Iterator[tuple[int, User, list[Finding]]]:
    """Read users one by one: the number of the ``<user>`` in the file from 1, the user, its findings.

    Raises :class:`ExtractError` when the file is empty, not well-formed, has a doctype, or holds no ``<user>``.
    """
    number = 0
    for element in iterate_users(file, name):
        number += 1
        user, findings = _user(element, number)
        yield number, user, findings
    if not number:
        raise ExtractError(
            name, "no <user>", "a root <users> with at least one <user>", "Ask the SIS for the extract."
        )


def iterate_users(file: IO[bytes], name: str) -> Iterator[etree._Element]:
    """Stream the ``<user>`` elements of a file, each freed after use."""
    if not file.read(1):
        raise ExtractError(name, "an empty file (0 bytes)", "Alma user XML", "Ask the SIS for the extract.")
    file.seek(0)
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    try:
        for event, element in etree.iterparse(file, events=("start", "end"), remove_comments=True, **options):
            if event == "start":
                if element.getparent() is None:
                    _check_root(element, name)
            elif element.tag == "user":
                yield element
                element.clear()
                parent = element.getparent()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]
    except etree.XMLSyntaxError as error:
        # Not lxml's own message, also not as a cause: it may quote from the file.
        fault = _FAULTS.get(error.code, "an entity that is not known")  # type: ignore[attr-defined]
        raise ExtractError(
            name,
            f"XML that is not well-formed ({fault})",
            "Alma user XML version 2 in UTF-8",
            "Export it again; one wrong character makes the whole file unreadable, for Alma too.",
            place=f"line {error.lineno}" if error.lineno else "",
        ) from None


def _check_root(root: etree._Element, name: str) -> None:
    if root.getroottree().docinfo.doctype:  # type: ignore[attr-defined]
        raise ExtractError(
            name,
            "a doctype",
            "XML without doctype and entities",
            "Export it without: they can smuggle files in.",
        )
    if root.tag not in {"users", "user"}:
        raise ExtractError(
            name, f"the root element <{root.tag}>", "<users>", "Only Alma's user XML version 2 is read."
        )


def _user(element: etree._Element, number: int) -> tuple[User, list[Finding]]:
    user: User = {}
    findings: list[Finding] = []
    for child in element:
        if child.tag in _CORE:
            _put(user, _CORE[child.tag], child)
        elif child.tag == "contact_info":
            for group in child:
                _put_segments(user, group, number, findings)
        elif child.tag in _CONTAINERS:
            _put_segments(user, child, number, findings)
        elif child.tag in _SPECIAL_CONTAINERS:
            _put_special(user, child)
    return user, findings


def _put(home: dict[str, Any], field: Field, element: etree._Element) -> None:
    """Put one field; an empty element is as one that is not there."""
    value = (element.text or "").strip()
    if not value:
        return
    if field.kind is Kind.DATE:
        value = value[:10] if value[10:] == "Z" else value
    home[field.name] = {"value": value} if field.kind is Kind.CODE else _plain(field, value)


def _plain(field: Field, value: str) -> str | bool:
    return value in {"true", "1"} if field.kind is Kind.BOOLEAN else value


def _put_segments(user: User, group: etree._Element, number: int, findings: list[Finding]) -> None:
    for element in group:
        segment = _BY_NAME.get(element.tag)
        if segment is None:
            continue
        part = _segment(segment, element)
        missing = [name for name in segment.mandatory if name not in part]
        findings += [
            Finding(number, f"{segment.name}.{name}", "mandatory", f"{segment.name} {name}") for name in missing
        ]
        segment.add(user, part)


def _segment(segment: Segment, element: etree._Element) -> dict[str, Any]:
    part: dict[str, Any] = {flag: True for flag in segment.flags if element.get(flag) in {"true", "1"}}
    fields = {field.name: field for field in segment.fields}
    for child in element:
        if child.tag in fields:
            _put(part, fields[child.tag], child)
        elif segment.types and child.tag == f"{segment.types}s":
            types = [{"value": one.text.strip()} for one in child if one.text and one.text.strip()]
            part.update({segment.types: types} if types else {})
    return part


def _put_special(user: User, container: etree._Element) -> None:
    name = _SPECIAL_CONTAINERS[container.tag]
    parts = []
    for element in container:
        part: dict[str, Any] = {}
        for child in element:
            value = (child.text or "").strip()
            if child.tag == SPECIAL_LISTS[name]:
                part[child.tag] = {"value": value}
            elif child.tag == "value":
                part[child.tag] = value in {"true", "1"}
        if part:
            parts.append(part)
    if parts:
        user[name] = parts
