"""The bare limit of Alma's user XML: lxml's xmlfile to write it, iterparse with freeing to read it back."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson
from lxml import etree

User = dict[str, Any]
CODED = frozenset(
    {"account_type", "campus_code", "country", "gender", "id_type", "preferred_language", "record_type"}
)
CODED |= {"statistic_category", "status", "user_group", "address_type", "email_type", "phone_type"}
ATTRIBUTES = frozenset({"preferred", "preferred_sms", "segment_type"})
GROUPS = {"user_identifier": "user_identifiers", "user_statistic": "user_statistics"}
CONTACTS = {"address": "addresses", "email": "emails", "phone": "phones"}
TYPES = {"address_type": "address_types", "email_type": "email_types", "phone_type": "phone_types"}
CORE = (
    "record_type primary_id first_name middle_name last_name gender user_group campus_code preferred_language "
    "birth_date expiry_date purge_date account_type external_id status pref_first_name"
).split()
ORDER = (
    "id_type value line1 line2 city state_province postal_code country email_address phone_number address_type "
    "email_type phone_type statistic_category"
).split()


def run(source: Path, target: Path) -> dict[str, int]:
    """Write users, one JSON text a line, as XML, and read them back."""
    gc.disable()
    with source.open("rb") as lines, target.open("wb+") as file:
        with etree.xmlfile(file, encoding="utf-8") as out:
            out.write_declaration()
            with out.element("users"):
                for line in lines:
                    out.write(element_of(orjson.loads(line)), "\n")
        file.seek(0)
        return {"users": sum(1 for _ in users_of(file))}


def element_of(user: User) -> etree._Element:
    """Make the element of a user."""
    sub = etree.SubElement
    element = etree.Element("user")
    for name in CORE:
        if name in user:
            value = user[name]
            sub(element, name).text = value["value"] if name in CODED else value
    contact = sub(element, "contact_info")
    for homes, home, groups in ((user["contact_info"], contact, CONTACTS), (user, element, GROUPS)):
        for name, plural in groups.items():
            group = sub(home, plural)
            for part in homes[name]:
                one = sub(group, name)
                for attribute in ("segment_type", "preferred", "preferred_sms"):
                    if attribute in part:
                        value = part[attribute]
                        one.set(attribute, "true" if value is True else value)
                for field in ORDER:
                    if field in TYPES and field in part:
                        types = sub(one, TYPES[field])
                        for each in part[field]:
                            sub(types, field).text = each["value"]
                    elif field in part:
                        value = part[field]
                        sub(one, field).text = value["value"] if field in CODED else value
    return element


def users_of(file: IO[bytes]) -> Iterator[User]:
    """Read users, each element freed after use."""
    for _, element in etree.iterparse(file, tag="user"):
        user: User = {}
        for child in element:
            name = child.tag
            if name == "contact_info":
                user[name] = {group[0].tag: [part_of(one) for one in group] for group in child if len(group)}
            elif len(child):
                user[child[0].tag] = [part_of(one) for one in child]
            else:
                user[name] = {"value": child.text} if name in CODED else child.text
        yield user
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def part_of(element: etree._Element) -> dict[str, Any]:
    """Read a segment."""
    part: dict[str, Any] = {name: True if value == "true" else value for name, value in element.items()}
    for child in element:
        name = child.tag
        if len(child):
            part[child[0].tag] = [{"value": one.text} for one in child]
        else:
            part[name] = {"value": child.text} if name in CODED else child.text
    return part
