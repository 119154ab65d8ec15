"""The facets of shared people in the store: read for a batch of users in one statement, and written with them.

Who is in one profile only has no facets, and where nobody is shared none of this costs more than one question a run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import orjson
from sqlalchemy import Connection, and_, delete, exists, false, or_, select, true

from matchpoint.affiliations import EXPIRY, Facet, synchronize_shared, without
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import changes
from matchpoint.canonical import canonical
from matchpoint.hashes import Hashes
from matchpoint.store import row_ledger
from matchpoint.store.affiliation_tables import facets
from matchpoint.store.bulk import among, load_rows, time_text
from matchpoint.store.tables import users

Rank = Callable[[str, str | None], int]
"""Gives the rank of a profile's user group."""


def are_any(connection: Connection) -> bool:
    """Tell whether anybody is shared."""
    return bool(connection.scalar(select(exists(select(facets.c.user_id)))))


def facets_of(connection: Connection, user_ids: Sequence[int]) -> dict[int, list[Facet]]:
    """Give the facets of those of some users who are shared, in the order of the profiles' codes."""
    found: dict[int, list[Facet]] = defaultdict(list)
    if user_ids:
        query = select(*(facets.c[name] for name in ("user_id", *_OF_FACET))).order_by(facets.c.profile)
        for user_id, *facet in connection.execute(query.where(among(connection, facets.c.user_id, user_ids))):
            found[user_id].append(Facet(*facet))
    return dict(found)


_OF_FACET = ("profile", "rank", "document", "active", "run_id", "row_hash", "user_hash")


def runs_of(connection: Connection, user_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    """Give, of those of some users who are shared, by profile the run that last changed its facet."""
    found: dict[int, dict[str, str | None]] = defaultdict(dict)
    if user_ids and are_any(connection):
        query = select(facets.c.user_id, facets.c.profile, facets.c.run_id)
        for user_id, profile, run_id in connection.execute(
            query.where(among(connection, facets.c.user_id, user_ids))
        ):
            found[user_id][profile] = run_id
    return dict(found)


def known_by(connection: Connection, profile: str, primary_keys: Sequence[str]) -> dict[str, int]:
    """Give the shared users to whom a profile gives one of some primary ids, case-folded, whatever theirs is."""
    named = among(connection, facets.c.primary_key, primary_keys)
    query = select(facets.c.primary_key, facets.c.user_id).where(facets.c.profile == profile, named)
    return {primary_key: user_id for primary_key, user_id in connection.execute(query)}


def members(connection: Connection, profile: str) -> Hashes:
    """Give, in order, the shared users who are in a profile, whoever comes first for them and is their owner.

    Who is INTERNAL by now is in none.
    """
    query = select(facets.c.user_id).join(users, users.c.id == facets.c.user_id).order_by(facets.c.user_id)
    query = query.where(facets.c.profile == profile, users.c.account_type == "EXTERNAL")
    return np.fromiter(connection.scalars(query), dtype=np.int64)


def all_shared(connection: Connection) -> Hashes:
    """Give, in no order, the users who are in several profiles."""
    return np.fromiter(connection.scalars(select(facets.c.user_id).distinct()), dtype=np.int64)


def due(connection: Connection, profile: str, as_of: date, rank: Rank | None = None) -> Hashes:
    """Give the shared users who have to be put together anew on a day, though no row says anything new.

    A role has ended since the user was last put together, or the table of precedence now ranks a facet of the
    profile otherwise; ``rank`` is the table's, None where the profile has none.
    """
    day = as_of.isoformat()
    lasts = or_(facets.c.ends.is_(None), facets.c.ends >= day)
    turned = or_(and_(facets.c.active == true(), ~lasts), and_(facets.c.active == false(), lasts))
    found = set(connection.scalars(select(facets.c.user_id).where(turned)))
    if rank:
        of_profile = facets.c.profile == profile
        ranked = select(facets.c.rank, facets.c.user_group).where(of_profile).distinct()
        for place, group in connection.execute(ranked).all():
            if place != rank(profile, group):
                same = facets.c.user_group.is_not_distinct_from(group)
                moved = select(facets.c.user_id).where(of_profile, facets.c.rank == place, same)
                found |= set(connection.scalars(moved))
    return np.array(sorted(found), dtype=np.int64)


# --- writing --------------------------------------------------------------------------------------


def as_text(held: Iterable[Facet], given: Iterable[Facet]) -> str:
    """Write the facets that a planned row leaves its user with as JSON, and which run had made those it has seen."""
    seen = {one.profile: one.run_id for one in held}
    return canonical({"seen": seen, "facets": list(given)})


def has_seen(text: str | None, found: Mapping[str, str | None], run_id: str) -> bool:
    """Tell whether a planned row was made from the facets that its user has; the run's own changes do not count."""
    seen: dict[str, str | None] = orjson.loads(text)["seen"] if text else {}
    now, then = ({name: one for name, one in some.items() if one != run_id} for some in (found, seen))
    return now.items() <= seen.items() and then.keys() <= found.keys()


def replace_facets(connection: Connection, given: Mapping[int, str], now: datetime) -> None:
    """Leave users with the facets that planned rows say; the row ledger then has nothing of them."""
    if not given:
        return
    row_ledger.forget_entries(connection, list(given))
    after = {user_id: [Facet(**one) for one in orjson.loads(text)["facets"]] for user_id, text in given.items()}
    before = facets_of(connection, list(given))
    changed = [user_id for user_id, some in after.items() if some != before.get(user_id, [])]
    if not changed:
        return
    row_ledger.move_on(connection, {one.profile for user_id in changed for one in before.get(user_id, ())})
    connection.execute(delete(facets).where(among(connection, facets.c.user_id, changed)))
    at = time_text(connection, now)
    rows = (_row(user_id, facet, at) for user_id in changed for facet in after[user_id])
    load_rows(connection, facets, _COLUMNS, rows)


_COLUMNS = (
    "user_id",
    "profile",
    "rank",
    "document",
    "primary_key",
    "user_group",
    "ends",
    "active",
    "row_hash",
    "user_hash",
    "run_id",
    "at",
)


def _row(user_id: int, facet: Facet, at: str) -> tuple[Any, ...]:
    document = canonical(facet.user)
    primary_key = key(facet.user[PRIMARY_ID]) if PRIMARY_ID in facet.user else None
    named = (facet.profile, facet.rank, document, primary_key, facet.user_group, facet.ends, facet.active)
    return (user_id, *named, facet.row_hash, facet.user_hash, facet.run_id, at)


# --- the end of a role ----------------------------------------------------------------------------


@dataclass(frozen=True)
class HandOver:
    """A shared user before and after a role has ended.

    ``facets`` is for the planned row that writes it (:attr:`matchpoint.plan.PlanRow.facets`), so that the facets
    follow. ``changes`` is empty when the user stays as it is.
    """

    user_id: int
    version: int
    before: User
    after: User
    facets: str

    @property
    def changes(self) -> dict[str, list[Any]]:
        """By field and kind of segment the value before and after."""
        return changes(self.before, self.after)


def shared_with_others(connection: Connection, profile: str, user_ids: Sequence[int], as_of: date) -> set[int]:
    """Give those of some users who have a role in another profile that has not ended: they are handed over."""
    if not user_ids or not are_any(connection):
        return set()
    lasts = or_(facets.c.ends.is_(None), facets.c.ends >= as_of.isoformat())
    query = select(facets.c.user_id).where(facets.c.profile != profile, lasts).distinct()
    return set(connection.scalars(query.where(among(connection, facets.c.user_id, user_ids))))


def hand_over(
    connection: Connection,
    profile: str,
    user_ids: Sequence[int],
    as_of: date,
    empty_special: Literal["keep", "clear"] = "keep",
) -> dict[int, HandOver]:
    """Work out what becomes of shared users of whom a profile knows no more; writes nothing.

    User group, owner, dates and segments follow from the facets that are left. Left out are users without a facet
    of the profile, or with no other, and those who are INTERNAL by now.
    """
    shared = {
        user_id: some
        for user_id, some in facets_of(connection, user_ids).items()
        if 0 < len(without(some, profile)) < len(some)
    }
    left = {user_id: _let_go(some, profile) for user_id, some in shared.items()}
    return _put_together(connection, shared, left, as_of, empty_special)


def hand_over_ended(
    connection: Connection, user_ids: Sequence[int], as_of: date, empty_special: Literal["keep", "clear"] = "keep"
) -> dict[int, HandOver]:
    """Work out what becomes of shared users of whom a role has ended, when no feed tells anything of them.

    ``user_ids`` are those of :func:`due`; nothing is written. Left out are those who are INTERNAL by now.
    """
    shared = facets_of(connection, user_ids)
    return _put_together(connection, shared, shared, as_of, empty_special)


def _put_together(
    connection: Connection,
    held: Mapping[int, Sequence[Facet]],
    given: Mapping[int, Sequence[Facet]],
    as_of: date,
    empty_special: Literal["keep", "clear"],
) -> dict[int, HandOver]:
    """Put users together anew of the facets ``given``: one that is gone is kept no longer, nor is the last alone."""
    query = select(users.c.id, users.c.version, users.c.document, users.c.protected)
    query = query.where(among(connection, users.c.id, list(held)), users.c.account_type == "EXTERNAL")
    handed = {}
    for user_id, version, before, protected in connection.execute(query) if held else ():
        some = given[user_id]
        after = synchronize_shared(before, some, as_of, protected=protected, empty_special=empty_special)
        kept = [replace(one, active=one.lasts(as_of)) for one in some if one.ends != _GONE]
        text = as_text(held[user_id], kept if len(kept) > 1 else [])
        handed[user_id] = HandOver(user_id, version, before, after, text)
    return handed


_GONE = "0001-01-01"
"""The end of a role that a profile no longer knows of: no other ends before."""


def _let_go(held: Sequence[Facet], profile: str) -> list[Facet]:
    """Give the facets when a profile knows no more of a user: its own has ended, and no primary id is its own."""
    gone = next(one for one in held if one.profile == profile)
    said = {name: value for name, value in gone.user.items() if name != PRIMARY_ID}
    return [*without(held, profile), Facet(profile, gone.rank, {**said, EXPIRY: _GONE})]


def end_sharing(connection: Connection, user_ids: Sequence[int]) -> None:
    """Take all facets of some users away: each is its owner's alone, as it stands.

    For who has left and has no other role that lasts: what is then done to the user must not be undone by a row of
    a role that ended before.
    """
    row_ledger.forget(connection, user_ids)
