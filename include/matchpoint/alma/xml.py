"""One user between Alma's user XML version 2 and Alma's JSON form, whole and without loss.

Both ways go by the tables in :mod:`matchpoint.alma.fields`; what those do not know is neither carried nor valid.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

from matchpoint.alma.fields import CORE_BY_NAME, LISTS, SEGMENT_TYPE, SEGMENTS, Field, Kind, Segment, User
from matchpoint.alma.shapes import plural

CONTACT = "contact_info"
IN_CONTACT = {segment.container: segment for segment in SEGMENTS if segment.path[0] == CONTACT}
IN_USER = {segment.container: segment for segment in (*SEGMENTS, *LISTS) if segment.path[0] != CONTACT}
_OWNED = frozenset(SEGMENTS)

Element = etree._Element


# --- from XML -------------------------------------------------------------------------------------


def to_user(element: Element, core: Mapping[str, Field] = CORE_BY_NAME) -> User:
    """Give the user that a ``<user>`` element says, in Alma's JSON form; of the single fields only those of ``core``.

    An empty element is an empty text, an empty container an empty list; both are different from nothing. Raises
    ValueError for a number that is none, which the schema would tell.
    """
    user: User = dict(_attributes(element))
    for child in element:
        name = child.tag
        if name in core:
            user[name] = _value(core[name], child)
        elif name in IN_USER:
            user[IN_USER[name].name] = [_part(IN_USER[name], one) for one in child]
        elif name == CONTACT:
            groups = [(IN_CONTACT[one.tag], one) for one in child if one.tag in IN_CONTACT]
            user[CONTACT] = {segment.name: [_part(segment, part) for part in one] for segment, one in groups}
    return user


def _value(field: Field, element: Element) -> Any:
    text = element.text or ""
    read = _READ.get(field.kind)
    return text if read is None else read(element, text)


def _attributes(element: Element) -> list[tuple[str, str]]:
    items: Any = element.items()
    return list(items)


def _coded(element: Element, text: str) -> dict[str, Any]:
    attributes = _attributes(element)
    return {"value": text, **dict(attributes)} if attributes else {"value": text}


_READ: dict[Kind, Callable[[Element, str], Any]] = {
    Kind.BOOLEAN: lambda _, text: _is_true(text),
    Kind.COUNT: lambda element, text: _coded(element, text) | {"value": int(text)},
    Kind.AMOUNT: lambda element, text: _coded(element, text) | {"value": float(text)},
    Kind.CODE: _coded,
    Kind.OPAQUE: lambda element, _: etree.tostring(element, method="c14n", with_tail=False).decode(),
}
"""How a value is read that is not just its text."""


def _is_true(text: str) -> bool:
    return text.strip() in {"true", "1"}


def _part(segment: Segment, element: Element) -> dict[str, Any]:
    inside = _INSIDE[segment.name]
    part: dict[str, Any] = {
        name: _is_true(value) if name in segment.flags else value for name, value in _attributes(element)
    }
    for child in element:
        known = inside.get(child.tag)
        if isinstance(known, Field):
            part[known.name] = _value(known, child)
        elif isinstance(known, Segment):
            part[known.name] = [_part(known, one) for one in child]
        elif known is not None:
            part[known] = [_coded(one, one.text or "") for one in child]
    return part


def _inside(segment: Segment) -> dict[str, Field | Segment | str]:
    """Tell by element what is in a segment: a field, the name of its list of types, or segments inside it."""
    found: dict[str, Field | Segment | str] = {field.name: field for field in segment.fields}
    found |= {one.container: one for one in segment.parts_of_it}
    return found | ({plural(segment.types): segment.types} if segment.types else {})


def _all_segments() -> Iterator[Segment]:
    for segment in (*SEGMENTS, *LISTS):
        yield from (segment, *segment.parts_of_it)


_INSIDE = {segment.name: _inside(segment) for segment in _all_segments()}


# --- to XML ---------------------------------------------------------------------------------------


def to_element(user: User) -> Element:
    """Give the ``<user>`` element of a user in Alma's JSON form, its fields in Alma's order."""
    element = etree.Element("user")
    if user.get("link") is not None:
        element.set("link", user["link"])
    for name, field in CORE_BY_NAME.items():
        value = user.get(name)
        if value is not None:
            _add_value(element, field, value)
    contact = user.get(CONTACT)
    if contact is not None:
        home = etree.SubElement(element, CONTACT)
        for segment in IN_CONTACT.values():
            _add_parts(home, segment, contact.get(segment.name))
    for segment in IN_USER.values():
        _add_parts(element, segment, user.get(segment.name))
    return element


def _add_value(home: Element, field: Field, value: Any) -> None:
    if field.kind is Kind.OPAQUE:
        home.append(etree.fromstring(value, etree.XMLParser(resolve_entities=False, no_network=True)))
    else:
        _add_text(home, field.name, value)


def _add_text(home: Element, name: str, value: Any) -> None:
    element = etree.SubElement(home, name)
    if isinstance(value, dict):
        if len(value) > 1:
            _set_attributes(element, ((one, said) for one, said in value.items() if one != "value"))
        value = value["value"]
    element.text = value if isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _set_attributes(element: Element, attributes: Iterable[tuple[str, Any]]) -> None:
    for name, value in attributes:
        if value is not None:
            element.set(name, value if isinstance(value, str) else _text(value))


def _add_parts(home: Element, segment: Segment, parts: list[dict[str, Any]] | None) -> None:
    if parts is None:
        return
    container = etree.SubElement(home, _CONTAINERS[segment.name])
    for part in parts:
        _add_part(container, segment, part)


def _add_part(home: Element, segment: Segment, part: dict[str, Any]) -> None:
    element = etree.SubElement(home, segment.name)
    _set_attributes(element, ((name, part[name]) for name in _ATTRIBUTES[segment.name] if name in part))
    for field in segment.fields:
        value = part.get(field.name)
        if value is not None:
            _add_value(element, field, value)
    if segment.types and part.get(segment.types) is not None:
        types = etree.SubElement(element, _TYPES[segment.name])
        for one in part[segment.types]:
            _add_text(types, segment.types, one)
    for inner in segment.parts_of_it:
        _add_parts(element, inner, part.get(inner.name))


def drop_unknown(element: Element) -> None:
    """Take out of a ``<user>`` element what no table knows, at the level of the user and of its segments."""
    for child in list(element):
        if child.tag == CONTACT:
            _keep(child, IN_CONTACT.keys())
            for group in child:
                _keep_known(group, IN_CONTACT[group.tag])
        elif child.tag in IN_USER:
            _keep_known(child, IN_USER[child.tag])
        elif child.tag not in CORE_BY_NAME:
            element.remove(child)


def _keep_known(container: Element, segment: Segment) -> None:
    _keep(container, {segment.name})
    names = {field.name for field in segment.fields} | {inner.container for inner in segment.parts_of_it}
    for part in container:
        _keep(part, names | ({plural(segment.types)} if segment.types else set()))


def _keep(element: Element, names: Collection[str]) -> None:
    for child in list(element):
        if child.tag not in names:
            element.remove(child)


def attributes_of(segment: Segment) -> tuple[str, ...]:
    """Name the XML attributes that a segment may have."""
    owner = (SEGMENT_TYPE,) if segment in _OWNED else ()
    return (*owner, *segment.flags, *segment.attributes)


_ATTRIBUTES = {segment.name: attributes_of(segment) for segment in _all_segments()}
_CONTAINERS = {segment.name: segment.container for segment in _all_segments()}
_TYPES = {segment.name: plural(segment.types) for segment in _all_segments() if segment.types}
