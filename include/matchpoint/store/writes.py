"""Writing users: a batch of planned rows in one transaction, with identifiers, history and the row ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select, update

from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.identity import keys as identity_keys
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow
from matchpoint.store import row_ledger
from matchpoint.store.bulk import among, beside, load_rows, reserve, time_text
from matchpoint.store.tables import history, identifiers, users


@dataclass(frozen=True)
class Stamp:
    """Who changes users, in which run, when, for which profile, and the SHA-256 of each extract by number.

    ``is_resumed`` tells that an earlier, broken-off try of the run has written already.
    """

    actor: str
    run_id: str
    now: datetime
    extracts: dict[int, str]
    profile: str
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A planned row with the user to be written, as JSON, its identifiers as (type, value), and what changes."""

    row: PlanRow
    document: str | None = None
    identifiers: Sequence[tuple[str, str]] = ()
    changed: Mapping[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, row: PlanRow) -> Change:
        """Make a change of a planned row that has its user."""
        user = orjson.loads(row.document or "{}")
        return cls(row, row.document, identifiers_of(user), orjson.loads(row.changes or "{}"))

    @property
    def moves_identifiers(self) -> bool:
        """Whether the identifiers of a user who is there change."""
        return PRIMARY_ID in self.changed or IDENTIFIERS.name in self.changed


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
    versions = _lock_users(connection, [one.row.user_id for one in changes if one.row.user_id is not None])
    refused = {
        one.row.position: "changed_since"
        for one in changes
        if one.row.user_id is not None and versions.get(one.row.user_id) != one.row.version
    }
    refused |= _taken(connection, [one for one in changes if one.row.position not in refused], alone=alone)
    by_outcome: dict[str, list[Change]] = {str(outcome): [] for outcome in Outcome}
    for one in changes:
        if one.row.position not in refused:
            by_outcome[one.row.outcome].append(one)
    _create(connection, by_outcome[Outcome.CREATED], stamp)
    _update(connection, by_outcome[Outcome.UPDATED], stamp)
    _remember(connection, by_outcome[Outcome.UNCHANGED])
    known = [*by_outcome[Outcome.UPDATED], *by_outcome[Outcome.UNCHANGED]]
    row_ledger.note(connection, [_entry(one, one.row.user_id or 0, stamp) for one in known])
    _note_keys(connection, ((one.row.user_id or 0, one) for one in by_outcome[Outcome.UPDATED]))
    return refused


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
    if not wanted:
        return {}
    query = select(identifiers.c.value_key, identifiers.c.user_id).where(
        among(connection, identifiers.c.value_key, wanted)
    )
    return {
        wanted[value_key].position: "taken_since"
        for value_key, user_id in connection.execute(query)
        if user_id != wanted[value_key].user_id
    }


def _create(connection: Connection, changes: Sequence[Change], stamp: Stamp) -> None:
    if not changes:
        return
    last = reserve(connection, "users", len(changes))
    numbered = list(zip(range(last - len(changes) + 1, last + 1), changes, strict=True))
    now = time_text(connection, stamp.now)
    load_rows(connection, users, _USER_COLUMNS, ((number, *_new_user(one, stamp, now)) for number, one in numbered))
    load_rows(connection, identifiers, _IDENTIFIER_COLUMNS, _identifiers(numbered))
    created = (_history(one, number, stamp, now, changed=(None, None)) for number, one in numbered)
    load_rows(connection, history, _HISTORY_COLUMNS, created)
    row_ledger.note_new(connection, (_entry(one, number, stamp) for number, one in numbered))
    _note_keys(connection, numbered)


_USER_COLUMNS = (
    "id",
    "primary_id",
    "account_type",
    "external_id",
    "version",
    "document",
    "source_version",
    "changed_at",
    "changed_by_run",
    "protected",
)
_IDENTIFIER_COLUMNS = ("value_key", "id_type", "value", "user_id")


def _new_user(change: Change, stamp: Stamp, now: str) -> tuple[Any, ...]:
    primary_id = change.identifiers[0][1]
    return (primary_id, "EXTERNAL", stamp.profile, 1, change.document, 1, now, stamp.run_id, "{}")


def _identifiers(given: Iterable[tuple[int | None, Change]]) -> Iterable[tuple[str, str, str, int | None]]:
    return ((key(value), id_type, value, user_id) for user_id, one in given for id_type, value in one.identifiers)


def _update(connection: Connection, changes: Sequence[Change], stamp: Stamp) -> None:
    if not changes:
        return
    now = time_text(connection, stamp.now)
    with beside(connection, users, _UPDATED_COLUMNS, (_updated_user(one, stamp, now) for one in changes)) as new:
        values = {name: new.c[name] for name in _UPDATED_COLUMNS if name != "id"}
        connection.execute(update(users).values(values).where(users.c.id == new.c.id))
    moved = [(one.row.user_id, one) for one in changes if one.moves_identifiers]
    if moved:
        held = among(connection, identifiers.c.user_id, [user_id for user_id, _ in moved])
        connection.execute(delete(identifiers).where(held))
        load_rows(connection, identifiers, _IDENTIFIER_COLUMNS, _identifiers(moved))
    load_rows(connection, history, _HISTORY_COLUMNS, (_updated(one, stamp, now) for one in changes))


_UPDATED_COLUMNS = (
    "id",
    "primary_id",
    "external_id",
    "version",
    "document",
    "source_version",
    "changed_at",
    "changed_by_run",
)


def _updated_user(change: Change, stamp: Stamp, now: str) -> tuple[Any, ...]:
    version = (change.row.version or 0) + 1
    primary_id = change.identifiers[0][1]
    return (
        change.row.user_id,
        primary_id,
        stamp.profile,
        version,
        change.document,
        version,
        now,
        stamp.run_id,
    )


def _remember(connection: Connection, changes: Sequence[Change]) -> None:
    """Note for unchanged users that they are as their row left them: the next run then need not look at them."""
    if not changes:
        return
    ids = among(connection, users.c.id, [one.row.user_id for one in changes])
    statement = update(users).where(ids, users.c.source_version.is_distinct_from(users.c.version))
    connection.execute(statement.values(source_version=users.c.version))


def _entry(change: Change, user_id: int, stamp: Stamp) -> row_ledger.Entry:
    return user_id, stamp.profile, change.row.row_hash, change.row.user_hash or 0


_HISTORY_COLUMNS = (
    "user_id",
    "version",
    "outcome",
    "actor",
    "run_id",
    "extract",
    "row",
    "source_hash",
    "before",
    "after",
    "at",
)


def _history(
    change: Change, user_id: int, stamp: Stamp, now: str, *, version: int = 1, changed: tuple[str | None, str | None]
) -> tuple[Any, ...]:
    row = change.row
    return (
        user_id,
        version,
        row.outcome,
        stamp.actor,
        stamp.run_id,
        stamp.extracts[row.extract],
        row.row,
        row.user_hash,
        *changed,
        now,
    )


def _updated(change: Change, stamp: Stamp, now: str) -> tuple[Any, ...]:
    before = orjson.dumps({name: pair[0] for name, pair in change.changed.items()}).decode()
    after = orjson.dumps({name: pair[1] for name, pair in change.changed.items()}).decode()
    version = (change.row.version or 0) + 1
    return _history(change, change.row.user_id or 0, stamp, now, version=version, changed=(before, after))
