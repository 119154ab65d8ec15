"""Matchpoint's XML Schema of Alma's user XML version 2, made from the field tables.

``python -m matchpoint.alma.xsd`` writes ``rest_users.xsd`` anew. It accepts what Alma's own schema accepts: any order
of a user's children, each at most once; but contact information in the order addresses, emails, phones.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from matchpoint.alma.fields import CORE_FIELDS, Field, Kind, Segment
from matchpoint.alma.shapes import plural
from matchpoint.alma.xml import CONTACT, IN_CONTACT, IN_USER, attributes_of

FILE = Path(__file__).with_name("rest_users.xsd")
_NAMESPACE = "http://www.w3.org/2001/XMLSchema"
_X: Any = ElementMaker(namespace=_NAMESPACE, nsmap={"xs": _NAMESPACE})
_SIMPLE = {
    Kind.DATE: "xs:date",
    Kind.DATETIME: "xs:dateTime",
    Kind.BOOLEAN: "xs:boolean",
    Kind.COUNT: "xs:int",
    Kind.AMOUNT: "xs:float",
}
_OWNER_LENGTH = 10


@cache
def schema() -> etree.XMLSchema:
    """Give the schema, ready to validate a ``<user>`` or a ``<users>`` element."""
    return etree.XMLSchema(etree.parse(str(FILE)))


def schema_text() -> str:
    """Give the schema as text, as it is published."""
    users = _X.complexType(
        _X.sequence(_X.element(ref="user", minOccurs="0", maxOccurs="unbounded")),
        _X.attribute(name="total_record_count", type="xs:long"),
    )
    root = _X.schema(
        etree.Comment(" Alma user XML version 2. Made from matchpoint.alma.fields; do not edit. "),
        *_texts(),
        _X.element(users, name="users"),
        _X.element(_user(), name="user"),
        elementFormDefault="qualified",
    )
    etree.indent(root, "  ")
    return etree.tostring(root, encoding="unicode") + "\n"


def _user() -> Any:
    contact = [_container(segment) for segment in IN_CONTACT.values()]
    return _X.complexType(
        _X.all(
            *(_field(field) for field in CORE_FIELDS),
            _X.element(_X.complexType(_X.sequence(*contact)), name=CONTACT, minOccurs="0"),
            *(_container(segment) for segment in IN_USER.values()),
        ),
        _X.attribute(name="link", type="xs:string"),
    )


def _container(segment: Segment) -> Any:
    part = _X.element(_segment(segment), name=segment.name, minOccurs="0", maxOccurs="unbounded")
    return _X.element(_X.complexType(_X.sequence(part)), name=segment.container, minOccurs="0")


def _segment(segment: Segment) -> Any:
    children = [_field(field, needed=field.name in segment.schema_needs) for field in segment.fields]
    if segment.types:
        one = _field(Field(segment.types, Kind.CODE), needed=False)
        one.set("maxOccurs", "unbounded")
        types = _X.element(_X.complexType(_X.sequence(one)), name=plural(segment.types))
        if segment.types not in segment.schema_needs:
            types.set("minOccurs", "0")
        children.append(types)
    children += [_container(inner) for inner in segment.parts_of_it]
    children.sort(key=lambda child: child.get("minOccurs", "1"), reverse=True)  # libxml2 names the first few only
    return _X.complexType(_X.all(*children), *(_attribute(segment, name) for name in attributes_of(segment)))


def _attribute(segment: Segment, name: str) -> Any:
    if name in segment.flags:
        return _X.attribute(name=name, type="xs:boolean")
    return _X.attribute(name=name, type="xs:string" if name in segment.attributes else f"text{_OWNER_LENGTH}")


def _field(field: Field, *, needed: bool = False) -> Any:
    element = _X.element(name=field.name, **({} if needed else {"minOccurs": "0"}))
    if field.kind is Kind.OPAQUE:
        anything = _X.any(minOccurs="0", maxOccurs="unbounded", processContents="skip")
        element.append(_X.complexType(_X.sequence(anything), _X.anyAttribute(processContents="skip"), mixed="true"))
    elif field.kind in {Kind.CODE, Kind.COUNT, Kind.AMOUNT}:
        attribute = "desc" if field.kind is Kind.CODE else "link"
        extended = _X.extension(_X.attribute(name=attribute, type="xs:string"), base=_type(field))
        element.append(_X.complexType(_X.simpleContent(extended)))
    else:
        element.set("type", _type(field))
    return element


def _type(field: Field) -> str:
    return _SIMPLE.get(field.kind) or (f"text{field.length}" if field.length else "xs:string")


def _texts() -> list[Any]:
    """Name a type for every length of text that occurs."""
    segments = [*IN_CONTACT.values(), *IN_USER.values()]
    lengths = {field.length for segment in segments for field in segment.fields}
    lengths |= {field.length for field in CORE_FIELDS} | {_OWNER_LENGTH}
    return [
        _X.simpleType(_X.restriction(_X.maxLength(value=str(length)), base="xs:string"), name=f"text{length}")
        for length in sorted(lengths - {0})
    ]


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
