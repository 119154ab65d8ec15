"""Files of Alma's user XML version 2, read and written in a stream: memory does not grow with the file.

Reading, doctypes, entities and network access are off: a file that has them is refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import IO, Any

from lxml import etree

from matchpoint.alma.fields import User
from matchpoint.alma.xml import Element, to_element, to_user
from matchpoint.alma.xml_faults import faults
from matchpoint.chunks import chunks, without_gc
from matchpoint.errors import ExtractError, RecordError

_FAULTS = {
    code: name.removeprefix("ERR_").replace("_", " ").lower()
    for name, code in vars(etree.ErrorTypes).items()
    if name.startswith("ERR_") and name != "ERR_INTERNAL_ERROR"
}
"""What can be wrong with XML, by libxml2's number, without a word of the file."""

_SAFE: Any = MappingProxyType({"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False})

USERS_PER_FILE = 20_000
"""Users in one file of a zip: what libraries are used to send to Alma."""


def read_users(file: IO[bytes], name: str) -> Iterator[User]:
    """Read whole users in Alma's JSON form. Raises :class:`ExtractError` as :func:`iterate_users` does."""
    return map(to_user, iterate_users(file, name))


def iterate_users(file: IO[bytes], name: str) -> Iterator[Element]:
    """Stream the ``<user>`` elements of a file, each freed after use.

    Raises :class:`ExtractError` when the file is empty, not well-formed, has a doctype, or another root.
    """
    if not file.read(1):
        raise ExtractError(name, "an empty file (0 bytes)", "Alma user XML", "Ask the SIS for the extract.")
    file.seek(0)
    _check_root(file, name)
    try:
        for _, element in etree.iterparse(file, events=("end",), tag="user", remove_comments=True, **_SAFE):
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


def _check_root(file: IO[bytes], name: str) -> None:
    """Look at the beginning of a file, which is left there; what is not well-formed is told when it is read."""
    parser = etree.XMLPullParser(events=("start",), **_SAFE)
    root, piece = None, b"<"
    while root is None and piece:
        piece = file.read(1 << 10)
        with suppress(etree.XMLSyntaxError):
            parser.feed(piece)
        root = next((element for _, element in parser.read_events()), None)
    file.seek(0)
    if not isinstance(root, etree._Element):
        return
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


def write_users(file: IO[bytes], users: Iterable[User]) -> int:
    """Write users as one file, and give their number.

    Raises :class:`RecordError` before a user is written that Alma's schema would refuse; it tells the user's number
    in the stream, the field and what was expected, and no value.
    """
    return write_elements(file, (valid_element(user, f"user {number}") for number, user in enumerate(users, start=1)))


@without_gc()
def write_elements(file: IO[bytes], elements: Iterable[Element]) -> int:
    """Write ``<user>`` elements as one file, each as it comes, and give their number."""
    number = 0
    with etree.xmlfile(file, encoding="utf-8") as out:
        out.write_declaration()
        with out.element("users"):
            for element in elements:
                out.write(element, "\n")
                number += 1
    return number


def valid_element(user: User, where: str = "") -> Element:
    """Give the ``<user>`` element of a user.

    Raises :class:`RecordError` when Alma's schema would refuse it; it tells ``where``, the field and what was
    expected, and no value.
    """
    try:
        element = to_element(user)
    except ValueError:  # lxml's, on a character that XML cannot hold; its message has the text
        raise RecordError(_told(where, "found a control character; expected text that XML can hold")) from None
    for fault in faults(element):
        what = f"found {fault.found}; expected {fault.expected}"
        raise RecordError(_told(", ".join(filter(None, (where, fault.field))), what))
    return element


def _told(where: str, what: str) -> str:
    return f"{where}: {what}" if where else what


def write_zip(file: IO[bytes], users: Iterable[User], *, users_per_file: int = USERS_PER_FILE) -> list[int]:
    """Write users into a zip of XML files ``users_001.xml`` ..., and give the number of users in each."""
    written: list[int] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for some in chunks(users, users_per_file):
            with archive.open(f"users_{len(written) + 1:03}.xml", "w") as member:
                written.append(write_users(member, some))
    return written
