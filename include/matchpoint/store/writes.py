"""Writing users: a batch of planned rows in one transaction, with identifiers, history and the row ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import Connection, delete, select, update

from matchpoint.alma.identifiers import key
from matchpoint.identity import keys as identity_keys
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow
from matchpoint.store import affiliations, row_ledger
from matchpoint.store.bulk import among, beside, load_rows, reserve, time_text
from matchpoint.store.changes import (
    HISTORY_COLUMNS,
    IDENTIFIER_COLUMNS,
    UPDATED_COLUMNS,
    USER_COLUMNS,
    Change,
    Stamp,
    created_history,
    entry,
    identifier_rows,
    new_user,
    updated_history,
    updated_user,
)
from matchpoint.store.lookup import holders_of
from matchpoint.store.tables import history, identifiers, users


def write_batch(
    connection: Connection, changes: Sequence[Change], stamp: Stamp, *, alone: bool = False
) -> dict[int, str]:
    """Apply planned rows inside the caller's transaction.

    Gives a code (see :mod:`matchpoint.findings`) per position for the rows that are conflicts, because their user or
    an identifier changed after the plan was made; those are not written. A row that this run applied before is passed
    over. Whether an identifier of a new user was taken meanwhile is asked of a row ``alone``; of many the store tells
    by refusing them all.
    """
    if stamp.is_resumed:
        done = _done(connection, changes, stamp)
        changes = [one for one in changes if _place(one, stamp) not in done]
    refused = _changed_since(connection, changes, stamp)
    refused |= _taken(connection, [one for one in changes if one.row.position not in refused], alone=alone)
    by_outcome: dict[str, list[Change]] = {str(outcome): [] for outcome in Outcome}
    for one in changes:
        if one.row.position not in refused:
            by_outcome[one.row.outcome].append(one)
    _create(connection, by_outcome[Outcome.CREATED], stamp)
    _update(connection, by_outcome[Outcome.UPDATED], stamp)
    _remember(connection, by_outcome[Outcome.UNCHANGED])
    _note_known(connection, [*by_outcome[Outcome.UPDATED], *by_outcome[Outcome.UNCHANGED]], stamp)
    _note_keys(connection, ((one.row.user_id or 0, one) for one in by_outcome[Outcome.UPDATED]))
    return refused


def _changed_since(connection: Connection, changes: Sequence[Change], stamp: Stamp) -> dict[int, str]:
    """Lock the users who are there, and find the rows whose user is no longer as it was seen."""
    there = [one for one in changes if one.row.user_id is not None]
    versions = _lock_users(connection, [one.row.user_id or 0 for one in there])
    runs = affiliations.runs_of(connection, list(versions))

    def is_as_seen(row: PlanRow) -> bool:
        user_id = row.user_id or 0
        seen = affiliations.has_seen(row.facets, runs.get(user_id, {}), stamp.run_id)
        return versions.get(user_id) == row.version and seen

    return {one.row.position: "changed_since" for one in there if not is_as_seen(one.row)}


def _note_known(connection: Connection, known: Sequence[Change], stamp: Stamp) -> None:
    """Note of which row each user was made: in the row ledger, or with the facets of those who are shared."""
    shared = {one.row.user_id or 0: one.row.facets for one in known if one.row.facets is not None}
    affiliations.replace_facets(connection, shared, stamp.now)
    entries = [entry(one, one.row.user_id or 0, stamp) for one in known if one.row.facets is None]
    row_ledger.note(connection, entries)


def _note_keys(connection: Connection, written: Iterable[tuple[int, Change]]) -> None:
    """Keep the keys by which alike users are found; read from JSON only where they are kept."""
    identity_keys.note(connection, ((user_id, orjson.loads(one.document or "{}")) for user_id, one in written))


def _place(change: Change, stamp: Stamp) -> tuple[str, int, int | None]:
    return stamp.extracts[change.row.extract], change.row.row, change.row.user_hash


def _done(connection: Connection, changes: Sequence[Change], stamp: Stamp) -> set[tuple[str, int, int | None]]:
    """Find the rows of a batch that an earlier, broken-off try of this run has applied."""
    done: set[tuple[str, int, int | None]] = set()
    for number in {one.row.extract for one in changes}:
        extract, numbers = stamp.extracts[number], [one.row.row for one in changes if one.row.extract == number]
        query = select(history.c.row, history.c.source_hash).where(
            history.c.run_id == stamp.run_id,
            history.c.extract == extract,
            history.c.row.between(min(numbers), max(numbers)),
        )
        query = query.order_by(history.c.at, history.c.version)
        newest = {row: hashed for row, hashed in connection.execute(query)}
        done |= {(extract, row, hashed) for row, hashed in newest.items()}
    return done


def _lock_users(connection: Connection, user_ids: list[int]) -> dict[int, int]:
    if not user_ids:
        return {}
    query = select(users.c.id, users.c.version).where(among(connection, users.c.id, user_ids)).order_by(users.c.id)
    return {user_id: version for user_id, version in connection.execute(query.with_for_update())}


def _taken(connection: Connection, changes: Sequence[Change], *, alone: bool) -> dict[int, str]:
    """Find the rows of which somebody else has taken an identifier."""
    asked = [one for one in changes if (alone and one.row.outcome == Outcome.CREATED) or one.moves_identifiers]
    wanted = {key(value): one.row for one in asked for _, value in one.identifiers}
    return {
        wanted[value_key].position: "taken_since"
        for value_key, user_id in holders_of(connection, wanted).items()
        if user_id != wanted[value_key].user_id
    }


def _create(connection: Connection, changes: Sequence[Change], stamp: Stamp) -> None:
    if not changes:
        return
    last = reserve(connection, "users", len(changes))
    numbered = list(zip(range(last - len(changes) + 1, last + 1), changes, strict=True))
    now = time_text(connection, stamp.now)
    load_rows(connection, users, USER_COLUMNS, ((number, *new_user(one, stamp, now)) for number, one in numbered))
    load_rows(connection, identifiers, IDENTIFIER_COLUMNS, identifier_rows(numbered))
    created = (created_history(one, number, stamp, now) for number, one in numbered)
    load_rows(connection, history, HISTORY_COLUMNS, created)
    entries = (entry(one, number, stamp) for number, one in numbered if one.row.facets is None)
    row_ledger.note_new(connection, entries)
    _note_keys(connection, numbered)


def _update(connection: Connection, changes: Sequence[Change], stamp: Stamp) -> None:
    if not changes:
        return
    now = time_text(connection, stamp.now)
    with beside(connection, users, UPDATED_COLUMNS, (updated_user(one, stamp, now) for one in changes)) as new:
        values = {name: new.c[name] for name in UPDATED_COLUMNS if name != "id"}
        connection.execute(update(users).values(values).where(users.c.id == new.c.id))
    moved = [(one.row.user_id, one) for one in changes if one.moves_identifiers]
    if moved:
        held = among(connection, identifiers.c.user_id, [user_id for user_id, _ in moved])
        connection.execute(delete(identifiers).where(held))
        load_rows(connection, identifiers, IDENTIFIER_COLUMNS, identifier_rows(moved))
    load_rows(connection, history, HISTORY_COLUMNS, (updated_history(one, stamp, now) for one in changes))


def _remember(connection: Connection, changes: Sequence[Change]) -> None:
    """Note for unchanged users that they are as their row left them: the next run then need not look at them."""
    if not changes:
        return
    ids = among(connection, users.c.id, [one.row.user_id for one in changes])
    statement = update(users).where(ids, users.c.source_version.is_distinct_from(users.c.version))
    connection.execute(statement.values(source_version=users.c.version))
