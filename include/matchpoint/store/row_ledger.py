"""The row ledger: of which raw row and which mapped user each user was last made, so that a run can pass it over.

An entry holds while its user is as that row left it. Who changes a user otherwise need not know of the ledger: such a
user's version is no longer its ``source_version``, and an index has just those. What is taken out of the ledger, or
given to another profile, moves the profile's epoch on: a run that looked before then looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    exists,
    select,
    true,
    union_all,
    update,
)

from matchpoint.hashes import Hashes
from matchpoint.known import Known
from matchpoint.store.affiliation_tables import facets
from matchpoint.store.bulk import among, beside, insert_or_update, load_rows, numbers_of, reserve
from matchpoint.store.lookup import has_applied
from matchpoint.store.tables import counters, row_ledger, users

_MANY = 50_000
"""From so many hashes on, fetching the whole ledger is faster than looking for them."""

Entry = tuple[int, str, int | None, int]
"""User, profile, hash of the raw row, hash of the mapped user."""


def epoch(connection: Connection, profile: str) -> int:
    """Give the number of times that entries of a profile were taken away."""
    return connection.scalar(select(counters.c.value).where(counters.c.name == _counter(profile))) or 0


def known_rows(connection: Connection, profile: str) -> Known:
    """Give the raw rows by which a profile's users need not be met again."""
    some = (one.c.row_hash.is_not(None) for one in _LEDGERS)
    return _known(connection, "row_hash", profile, *some)


def known_to(engine: Engine, profile: str, mode: str, run_id: str) -> Known:
    """Give what a run may pass over: an import nothing; nor a run that is repeated, which tells the same again."""
    with engine.connect() as connection:
        if mode == "import" or has_applied(connection, run_id):
            return Known.nothing()
        return known_rows(connection, profile)


def known_users(connection: Connection, profile: str, hashes: Hashes) -> Known:
    """Give those of some mapped users by which a profile's users need not be met again."""
    some = np.unique(hashes)
    # A facet has its row noted when it is met, so only one without raw row is passed over by its user.
    of_facets = and_(facets.c.user_hash.is_not(None), facets.c.row_hash.is_(None))
    if len(some) > _MANY:
        return _known(connection, "user_hash", profile, true(), of_facets)
    wanted, held = (among(connection, one.c.user_hash, some.tolist()) for one in _LEDGERS)
    return _known(connection, "user_hash", profile, wanted, and_(held, of_facets))


def edited(connection: Connection) -> Hashes:
    """Give the users who are no longer as their row left them."""
    query = select(users.c.id).where(users.c.source_version != users.c.version)
    return np.fromiter(connection.scalars(query), dtype=np.int64)


_LEDGERS = (row_ledger, facets)
"""Where the hashes of a user are: who is in several profiles has them in its facets, one for each."""


def _known(connection: Connection, hashed: str, profile: str, *where: ColumnElement[bool]) -> Known:
    is_shared = connection.scalar(select(exists(select(facets.c.user_id))))
    asked = list(zip(_LEDGERS, where, strict=True))[: 2 if is_shared else 1]
    query = union_all(
        *(select(one.c[hashed], one.c.user_id).where(one.c.profile == profile, some) for one, some in asked)
    )
    hashes, user_ids = numbers_of(connection, query).T
    now = epoch(connection, profile)
    good = ~np.isin(user_ids, edited(connection))
    return Known.of(hashes[good], user_ids[good], now)


# --- writing --------------------------------------------------------------------------------------


def note_new(connection: Connection, entries: Iterable[Entry]) -> None:
    """Note the rows of users who are new."""
    load_rows(connection, row_ledger, _COLUMNS, entries)


def note(connection: Connection, entries: Sequence[Entry]) -> None:
    """Note the rows of users who were there, in place of what was noted of them, by whatever profile."""
    held = among(connection, row_ledger.c.user_id, [user_id for user_id, *_ in entries])
    there = {tuple(entry) for entry in connection.execute(select(row_ledger).where(held))} if entries else set()
    entries = [entry for entry in entries if entry not in there]
    if not entries:
        return
    _move_on(connection, among(connection, row_ledger.c.user_id, [user_id for user_id, *_ in entries]))
    with beside(connection, row_ledger, _COLUMNS, entries) as new:
        # Without a WHERE, SQLite would take the ON of ON CONFLICT for that of a join.
        written = insert_or_update(connection, row_ledger).from_select(
            _COLUMNS, select(new).where(new.c.user_id.is_not(None))
        )
        changed = {name: written.excluded[name] for name in _COLUMNS if name != "user_id"}
        connection.execute(written.on_conflict_do_update(index_elements=["user_id"], set_=changed))


_COLUMNS = ("user_id", "profile", "row_hash", "user_hash")


def refresh(connection: Connection, user_ids: Sequence[int], row_hashes: Sequence[int]) -> None:
    """Note that users came out of other raw rows as they were: the export was only written in another way."""
    columns = ("user_id", "row_hash")
    with beside(connection, row_ledger, columns, zip(user_ids, row_hashes, strict=True)) as new:
        same = row_ledger.c.user_id == new.c.user_id
        connection.execute(update(row_ledger).values(row_hash=new.c.row_hash).where(same))


def forget(connection: Connection, user_ids: Sequence[int]) -> None:
    """Take the entries and facets of users out who go."""
    forget_entries(connection, user_ids)
    held = among(connection, facets.c.user_id, user_ids)
    move_on(connection, connection.scalars(select(facets.c.profile).distinct().where(held)).all())
    connection.execute(delete(facets).where(held))


def forget_entries(connection: Connection, user_ids: Sequence[int]) -> None:
    """Take the entries of users out whose facets serve instead."""
    held = among(connection, row_ledger.c.user_id, user_ids)
    _move_on(connection, held)
    connection.execute(delete(row_ledger).where(held))


def move_on(connection: Connection, profiles: Iterable[str]) -> None:
    """Move the epochs of profiles on, of which something was taken away."""
    for profile in sorted(profiles):
        reserve(connection, _counter(profile), 1)


def _move_on(connection: Connection, entries: ColumnElement[bool]) -> None:
    """Move the epochs of the profiles on that have some entries."""
    move_on(connection, connection.scalars(select(row_ledger.c.profile).distinct().where(entries)).all())


def _counter(profile: str) -> str:
    return f"row_ledger {profile}"
