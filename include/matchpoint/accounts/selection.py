"""A set of users by query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from matchpoint.alma.identifiers import key
from matchpoint.store.bulk import among
from matchpoint.store.tables import identifiers, users


@dataclass(frozen=True)
class Selection:
    """Which users: all that fit everything said. What is None, or an empty list of identifiers, says nothing.

    ``identifiers`` are of any type, ``purge_before`` and ``expiry_before`` days that the user's date must lie before.
    """

    account_type: str | None = None
    profile: str | None = None
    record_type: str | None = None
    user_group: str | None = None
    status: str | None = None
    identifiers: Sequence[str] = ()
    expiry_before: date | None = None
    purge_before: date | None = None

    @property
    def is_everybody(self) -> bool:
        """Whether nothing is said at all."""
        return self == Selection()


def user_ids(connection: Connection, selection: Selection, *, size: int) -> Iterator[list[int]]:
    """Give the numbers of the users of a set, ``size`` at a time, in order; what is met is not met again."""
    last = -1
    where = list(_conditions(connection, selection))
    while True:
        query = select(users.c.id).where(users.c.id > last, *where).order_by(users.c.id).limit(size)
        some = list(connection.scalars(query))
        if not some:
            return
        yield some
        last = some[-1]


def count(connection: Connection, selection: Selection) -> int:
    """Count the users of a set."""
    query = select(func.count()).select_from(users).where(*_conditions(connection, selection))
    return int(connection.scalar(query) or 0)


def _conditions(connection: Connection, selection: Selection) -> Iterator[ColumnElement[bool]]:
    if selection.account_type:
        yield users.c.account_type == selection.account_type
    if selection.profile:
        yield users.c.external_id == selection.profile
    for name in ("record_type", "user_group", "status"):
        if wanted := getattr(selection, name):
            yield _in_document(name, "value") == wanted
    for name, before in (("expiry_date", selection.expiry_before), ("purge_date", selection.purge_before)):
        if before:
            yield _in_document(name) < before.isoformat()
    if selection.identifiers:
        held = among(connection, identifiers.c.value_key, [key(one) for one in selection.identifiers])
        yield exists().where(identifiers.c.user_id == users.c.id, held)


def _in_document(*path: str) -> ColumnElement[Any]:
    found: ColumnElement[Any] = users.c.document[path].as_string()
    return found
