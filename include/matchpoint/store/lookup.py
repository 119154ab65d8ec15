"""Looking up who holds some identifiers: for a whole batch of rows in one statement, by the key of ``identifiers``.

A run that is repeated decides about its other rows as it did the first time. So what it has itself made of a user
since then is overlooked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, exists, false, func, or_, select

from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.matching import Hit
from matchpoint.outcomes import Outcome
from matchpoint.store import affiliations
from matchpoint.store.bulk import among
from matchpoint.store.tables import history, identifiers, runs, users


@dataclass(frozen=True)
class Done:
    """A row that this very run applied before: its outcome and its user."""

    outcome: str
    user_id: int


def has_applied(connection: Connection, run_id: str) -> bool:
    """Tell whether a run has changed users before."""
    return bool(connection.scalar(select(exists().where(history.c.run_id == run_id))))


def applied_rows(connection: Connection, run_id: str) -> dict[tuple[str, int, int], Done]:
    """Give the rows that a run applied, and whose user still is as it left it but for what others did.

    They are known by the SHA-256 of their extract, row number, and hash of the mapped user.
    """
    if not has_applied(connection, run_id):
        return {}
    of_run = history.c.run_id == run_id
    newest = (
        select(history.c.user_id, func.max(history.c.version).label("version"))
        .where(of_run)
        .group_by(history.c.user_id)
        .subquery()
    )
    columns = (history.c.extract, history.c.row, history.c.source_hash, history.c.outcome, history.c.user_id)
    same = and_(newest.c.user_id == history.c.user_id, newest.c.version == history.c.version)
    rows = connection.execute(select(*columns).join(newest, same).where(of_run))
    return {(extract, row, hashed): Done(outcome, user_id) for extract, row, hashed, outcome, user_id in rows}


def changes_of(connection: Connection, run_id: str, user_ids: Sequence[int]) -> dict[int, dict[str, list[Any]]]:
    """Give what a run last changed of users, before and after."""
    query = (
        select(history.c.user_id, history.c.before, history.c.after)
        .where(history.c.run_id == run_id, history.c.outcome == Outcome.UPDATED)
        .where(among(connection, history.c.user_id, user_ids))
        .order_by(history.c.version)
    )
    return {
        user_id: {name: [before.get(name), value] for name, value in after.items()}
        for user_id, before, after in connection.execute(query)
    }


_REMEMBERED = 200_000
"""Answers that are kept: the few open rows of a night are looked up once, though asked about twice."""


class Lookup:
    """Finds users by identifiers. ``done`` are the rows that this run applied before.

    A shared user is found by the primary id that ``profile`` gives it, too, when it goes by that of another profile.
    """

    def __init__(self, connection: Connection, run_id: str, done: Iterable[Done], profile: str = "") -> None:
        self._connection = connection
        self._outcomes = {one.user_id: one.outcome for one in done}
        self._held_before = self._replaced(run_id)
        self._seen: dict[str, list[Hit]] = {}
        self._changed_since = _changed_since(connection, run_id)
        self._profile = profile
        self._has_facets = affiliations.are_any(connection)
        self.has_users = bool(connection.scalar(select(exists(select(identifiers.c.value_key)))))

    def _replaced(self, run_id: str) -> dict[str, list[tuple[str, int]]]:
        """Give the identifiers that this run has replaced, by key: type and user."""
        updated = [user_id for user_id, outcome in self._outcomes.items() if outcome == Outcome.UPDATED]
        query = (
            select(users.c.id, users.c.document, history.c.before)
            .join(history, and_(history.c.user_id == users.c.id, history.c.run_id == run_id))
            .where(history.c.outcome == Outcome.UPDATED, among(self._connection, users.c.id, updated))
            .order_by(history.c.version.desc())
        )
        oldest = {one: (document, before) for one, document, before in self._connection.execute(query)}
        held: dict[str, list[tuple[str, int]]] = {}
        for user_id, (document, before) in oldest.items():
            if before.keys() & {PRIMARY_ID, IDENTIFIERS.name}:
                for id_type, value in identifiers_of({**document, **before}):
                    held.setdefault(key(value), []).append((id_type, user_id))
        return held

    def users(self, keys: Iterable[str]) -> set[int]:
        """Give the users who hold one of some identifiers, case-folded."""
        return {hit.user_id for hits in self.hits(keys).values() for hit in hits}

    def hits(self, keys: Iterable[str]) -> dict[str, list[Hit]]:
        """Give by identifier, case-folded, who holds it."""
        keys = set(keys)
        if not self.has_users or not keys:
            return {}
        unseen = keys - self._seen.keys()
        found = self._look(list(unseen)) if unseen else {}
        if len(self._seen) < _REMEMBERED:
            self._seen |= {one: found.get(one, []) for one in unseen}
        seen = {one: self._seen[one] for one in keys - unseen if self._seen[one]}
        return found | seen

    def _look(self, wanted: Sequence[str]) -> dict[str, list[Hit]]:
        found: dict[str, list[Hit]] = {}
        before = {user_id for some in self._held_before.values() for _, user_id in some}
        held = among(self._connection, identifiers.c.value_key, wanted)
        query = (
            select(identifiers.c.id_type, identifiers.c.value_key, *self._of_user())
            .select_from(identifiers)
            .join(users, users.c.id == identifiers.c.user_id)
            .where(held)
        )
        for id_type, value_key, *user in self._connection.execute(query):
            outcome = self._outcomes.get(user[0])
            is_ours = outcome == Outcome.CREATED or (outcome == Outcome.UPDATED and user[0] in before)
            if not is_ours:
                found.setdefault(value_key, []).append(self._hit(id_type, value_key, user))
        for value_key, hit in self._hits_before(wanted):
            found.setdefault(value_key, []).append(hit)
        return self._with_facets(found, wanted) if self._has_facets else found

    def _with_facets(self, found: dict[str, list[Hit]], wanted: Sequence[str]) -> dict[str, list[Hit]]:
        """Add who is known to the profile by a primary id, and tell of each user which profiles share it."""
        named = affiliations.known_by(self._connection, self._profile, wanted)
        holders = [
            (one, PRIMARY_ID, user_id)
            for one, user_id in named.items()
            if user_id not in {hit.user_id for hit in found.get(one, ())}
            and self._outcomes.get(user_id) != Outcome.CREATED
        ]
        for value_key, hit in self._hits_of(holders):
            found.setdefault(value_key, []).append(hit)
        user_ids = {hit.user_id for hits in found.values() for hit in hits}
        shared = affiliations.runs_of(self._connection, list(user_ids))
        return {
            one: [replace(hit, facets=frozenset(shared.get(hit.user_id, ()))) for hit in hits]
            for one, hits in found.items()
        }

    def _hits_before(self, wanted: Sequence[str]) -> list[tuple[str, Hit]]:
        return self._hits_of([(one, *holder) for one in wanted for holder in self._held_before.get(one, ())])

    def _hits_of(self, held: Sequence[tuple[str, str, int]]) -> list[tuple[str, Hit]]:
        """Make hits of identifiers, each with its type and user."""
        if not held:
            return []
        some = among(self._connection, users.c.id, [user_id for *_, user_id in held])
        by_id = {user[0]: user for user in self._connection.execute(select(*self._of_user()).where(some))}
        return [(one, self._hit(id_type, one, by_id[user_id])) for one, id_type, user_id in held if user_id in by_id]

    def _of_user(self) -> tuple[Any, ...]:
        columns = (users.c.id, users.c.version, users.c.account_type, users.c.external_id, users.c.primary_id)
        return (*columns, self._changed_since)

    def _hit(self, id_type: str, value_key: str, user: Sequence[Any]) -> Hit:
        user_id, version, account_type, external_id, primary_id, changed = user
        return Hit(
            id_type,
            value_key,
            user_id,
            version,
            account_type,
            external_id,
            changed_since=bool(changed),
            settled=user_id in self._outcomes,
            primary_id=primary_id,
        )


def _changed_since(connection: Connection, run_id: str) -> Any:
    """Ask whether somebody else changed a user after this run first met its extracts."""
    planned_at: datetime | None = connection.scalar(select(runs.c.planned_at).where(runs.c.run_id == run_id))
    if planned_at is None:
        return false()
    by_others = or_(users.c.changed_by_run.is_(None), users.c.changed_by_run != run_id)
    return and_(users.c.changed_at > planned_at, by_others)


def holders_of(connection: Connection, value_keys: Iterable[str]) -> dict[str, int]:
    """Tell which user holds each of some identifiers, case-folded."""
    wanted = list(value_keys)
    if not wanted:
        return {}
    query = select(identifiers.c.value_key, identifiers.c.user_id)
    found = connection.execute(query.where(among(connection, identifiers.c.value_key, wanted)))
    return {value_key: user_id for value_key, user_id in found}


def held_in_store(connection: Connection, value_keys: Sequence[str]) -> set[str]:
    """Tell which identifiers, case-folded, the store has."""
    held = among(connection, identifiers.c.value_key, value_keys)
    return set(connection.scalars(select(identifiers.c.value_key).where(held)))
