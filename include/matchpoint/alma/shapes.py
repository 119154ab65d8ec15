"""What a field and a segment of Alma's user record are.

A user here is Alma's JSON form: coded fields are ``{"value": ...}``, wrapper elements are plain lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

User = dict[str, Any]
"""A user, or what an extract says of one, in Alma's JSON form."""


_NOTHING: dict[str, Any] = {}


class Kind(StrEnum):
    """How a field's value is written."""

    TEXT = "text"
    CODE = "code"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    COUNT = "count"
    """A whole number that Alma works out, with a link: ``{"value": 2, "link": ...}``."""
    AMOUNT = "amount"
    """Money, in the same form."""
    OPAQUE = "opaque"
    """Structured content of another product (Esploro), carried as XML text."""


class OnSynchronize(StrEnum):
    """What a synchronize does with a core field of an EXTERNAL user."""

    REPLACED = "replaced"
    """Taken from the SIS; absent means removed."""
    IDENTITY = "identity"
    """Taken from the SIS; absent means as it was, for a user cannot be without."""
    SPECIAL = "special"
    """Taken from the SIS unless it was edited by hand."""
    PROFILE = "profile"
    """Set by the integration profile or the system; ignored in a file."""
    KEPT = "kept"
    """Not part of a SIS load: what the user has stays."""
    OUTPUT = "output"
    """Worked out by Alma; ignored in a file."""


@dataclass(frozen=True)
class Field:
    """A field of a user or of a segment.

    ``length`` is Alma's maximum number of characters, 0 for none; ``table`` the code table its values are from.
    """

    name: str
    kind: Kind = Kind.TEXT
    length: int = 255
    on_synchronize: OnSynchronize = OnSynchronize.REPLACED
    table: str = ""


@dataclass(frozen=True)
class Segment:
    """A repeatable part of a user.

    ``path`` leads to its list in Alma's JSON form, ``mapping`` is its name in an integration profile,
    ``types`` the name of its list of types where it has one, ``flags`` its boolean attributes, ``literals``
    the fields that a profile gives as they are, and ``mandatory`` those without which it is no segment.
    ``types_table`` is the code table of the types, ``schema_needs`` what Alma's schema asks for (which is less in one
    place and more in another), ``attributes`` are further ones, and ``parts_of_it`` lists inside it.
    """

    name: str
    path: tuple[str, ...]
    mapping: str
    fields: tuple[Field, ...]
    types: str = ""
    types_table: str = ""
    mandatory: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    schema_needs: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    parts_of_it: tuple[Segment, ...] = ()

    @property
    def container(self) -> str:
        """The XML element around the segments of this kind."""
        return plural(self.name)

    def field(self, name: str) -> Field:
        """Give one of its fields by name."""
        return next(field for field in self.fields if field.name == name)

    def parts(self, user: User) -> list[dict[str, Any]]:
        """List the segments of this kind that a user has."""
        home: Any = user
        for step in self.path[:-1]:
            home = home.get(step, _NOTHING)
        return list(home.get(self.path[-1], ()))

    def add(self, user: User, part: dict[str, Any]) -> None:
        """Give a user one more segment of this kind."""
        home = user
        for step in self.path[:-1]:
            home = home.setdefault(step, {})
        home.setdefault(self.path[-1], []).append(part)


def plural(name: str) -> str:
    """Give the name of the XML element around elements of one name: Alma's go by the rules of English."""
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"
