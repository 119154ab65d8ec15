"""The outbox: whom Alma does not have as they are, what it took, and the dead letters, which it did not take.

A user is due while ``delivered_version`` is not its ``version``. So whoever changes a user puts it into the outbox,
in the same transaction and without knowing. What is delivered is the newest state: a person's changes come in order,
and twice is as good as once. A dead letter waits for a change of its user, or for somebody to say: try again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, delete, func, or_, select, update

from matchpoint.alma.fields import User
from matchpoint.chunks import chunks
from matchpoint.store.bulk import among, beside, insert_or_update
from matchpoint.store.delivery_tables import dead_letters
from matchpoint.store.tables import users

AT_ONCE = 1_000
"""Users read or marked in one statement."""


@dataclass(frozen=True, slots=True)
class Due:
    """A user whom Alma is to have: the version that is due, the one that Alma has (0: none), the document.

    ``protected`` are the special fields that staff edited by hand in this store.
    """

    user_id: int
    version: int
    delivered_version: int
    document: User
    protected: frozenset[str]


@dataclass(frozen=True)
class DueCounts:
    """How many people of a profile are due: ``new`` whom Alma never had from here, and ``changed`` ones."""

    new: int
    changed: int

    @property
    def people(self) -> int:
        """All of them."""
        return self.new + self.changed


@dataclass(frozen=True, slots=True)
class Letter:
    """A user that Alma did not take: the version, Alma's or our code for it, and why, without a person's data."""

    user_id: int
    version: int
    code: str
    message: str


def _is_due(profile: str) -> ColumnElement[bool]:
    """Say who is due: owned by the profile, not as Alma has it, and no dead letter of this very version."""
    buried = select(dead_letters.c.user_id).where(
        dead_letters.c.user_id == users.c.id, dead_letters.c.version == users.c.version, ~dead_letters.c.retry
    )
    owned = and_(users.c.external_id == profile, users.c.external_id.is_not(None))
    return and_(owned, users.c.delivered_version != users.c.version, ~buried.exists())


def count_due(connection: Connection, profile: str) -> DueCounts:
    """Count the people of a profile who are due."""
    is_new = func.sum(case((users.c.delivered_version == 0, 1), else_=0))
    new, all_of_them = connection.execute(select(is_new, func.count()).where(_is_due(profile))).one()
    return DueCounts(int(new or 0), all_of_them - int(new or 0))


def due(engine: Engine, profile: str, most: int) -> Iterator[list[Due]]:
    """Give at most so many people of a profile who are due, in lots, the newest changes first.

    So what changed tonight does not wait for the rest of a full load that takes several nights.
    """
    newest = select(users.c.id).where(_is_due(profile)).order_by(users.c.changed_at.desc(), users.c.id).limit(most)
    with engine.connect() as connection:
        ids = list(connection.scalars(newest))
    for some in chunks(ids, AT_ONCE):
        with engine.connect() as connection:
            lot = _read(connection, profile, some)
        yield lot


def _read(connection: Connection, profile: str, user_ids: Sequence[int]) -> list[Due]:
    columns = (users.c.id, users.c.version, users.c.delivered_version, users.c.document, users.c.protected)
    query = select(*columns).where(among(connection, users.c.id, user_ids), _is_due(profile))
    found = {row.id: row for row in connection.execute(query)}
    return [
        Due(one, row.version, row.delivered_version, row.document, frozenset(row.protected))
        for one in user_ids
        if (row := found.get(one)) is not None
    ]


def note_delivered(connection: Connection, taken: Iterable[tuple[int, int]]) -> None:
    """Note that Alma has users, each at a version. Who changed meanwhile stays due, by the newer version."""
    for some in chunks(taken, AT_ONCE):
        with beside(connection, users, ("id", "delivered_version"), some) as new:
            has = update(users).values(delivered_version=new.c.delivered_version).where(users.c.id == new.c.id)
            connection.execute(has)
            was = and_(dead_letters.c.user_id == new.c.id, dead_letters.c.version <= new.c.delivered_version)
            connection.execute(delete(dead_letters).where(select(new.c.id).where(was).exists()))


def put_again(connection: Connection, user_ids: Iterable[int]) -> None:
    """Put users into the outbox whom Alma has lost or has otherwise than it was given them. Dead letters stay so."""
    for some in chunks(user_ids, AT_ONCE):
        connection.execute(update(users).where(among(connection, users.c.id, some)).values(delivered_version=0))


def bury(connection: Connection, letters: Iterable[Letter], *, profile: str, run_id: str, now: datetime) -> None:
    """Keep the users whom Alma did not take as dead letters; one that was tried before counts its attempts."""
    for one in letters:
        new = {"profile": profile, "version": one.version, "code": one.code, "message": one.message}
        new |= {"last_at": now, "run_id": run_id, "retry": False}
        first = {"user_id": one.user_id, "attempts": 1, "first_at": now}
        again = {"attempts": dead_letters.c.attempts + 1}
        written = insert_or_update(connection, dead_letters).values(new | first)
        connection.execute(written.on_conflict_do_update(index_elements=["user_id"], set_=new | again))


def try_again(
    connection: Connection, profile: str, *, codes: Sequence[str] = (), user_ids: Sequence[int] = ()
) -> int:
    """Have dead letters of a profile tried by the next delivery: all, or those of some codes or users."""
    chosen: list[ColumnElement[bool]] = [dead_letters.c.profile == profile]
    if codes or user_ids:
        chosen.append(or_(dead_letters.c.code.in_(codes), among(connection, dead_letters.c.user_id, user_ids)))
    return connection.execute(update(dead_letters).where(*chosen).values(retry=True)).rowcount


def count_letters(
    connection: Connection, profile: str | None = None, *, codes: Sequence[str] = ()
) -> dict[tuple[str, str], int]:
    """Count dead letters by profile and code: of all profiles or of one, with all codes or some."""
    chosen = [dead_letters.c.profile == profile] if profile else []
    chosen += [dead_letters.c.code.in_(codes)] if codes else []
    by = (dead_letters.c.profile, dead_letters.c.code)
    query = select(*by, func.count()).where(*chosen).group_by(*by).order_by(*by)
    return {(one, code): people for one, code, people in connection.execute(query)}


def letters_of(connection: Connection, profile: str, *, most: int = 1_000) -> list[dict[str, Any]]:
    """List dead letters of a profile, the newest first: the columns of the table, and ``primary_id``."""
    query = (
        select(dead_letters, users.c.primary_id)
        .join(users, users.c.id == dead_letters.c.user_id)
        .where(dead_letters.c.profile == profile)
        .order_by(dead_letters.c.last_at.desc(), dead_letters.c.user_id)
        .limit(most)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
