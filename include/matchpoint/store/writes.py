"""Writing users: a batch of planned rows in one transaction, with identifiers and history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow
from matchpoint.store.bulk import among, load_rows
from matchpoint.store.tables import counters, history, identifiers, users


@dataclass(frozen=True)
class Stamp:
    """Who changes users, in which run, when, and the SHA-256 of each extract by number."""

    actor: str
    run_id: str
    now: datetime
    extracts: dict[int, str]


def write_batch(connection: Connection, rows: Sequence[PlanRow], stamp: Stamp) -> dict[int, str]:
    """Apply planned rows inside the caller's transaction.

    Gives a code (see :mod:`matchpoint.findings`) per position for the rows that are conflicts, because their
    user or an identifier changed after the plan was made; those are not written. A row that this run applied
    before is passed over.
    """
    done = _done(connection, rows, stamp)
    rows = [row for row in rows if (stamp.extracts[row.extract], row.row, row.source_hash) not in done]
    versions = _lock_users(connection, [row.user_id for row in rows if row.user_id is not None])
    refused = {
        row.position: "changed_since"
        for row in rows
        if row.user_id is not None and versions.get(row.user_id) != row.version
    }
    documents = {row.position: orjson.loads(row.document) for row in rows if row.document is not None}
    refused |= _taken(connection, [row for row in rows if row.position not in refused], documents)
    rows = [row for row in rows if row.position not in refused]
    _create(connection, [row for row in rows if row.outcome == Outcome.CREATED], documents, stamp)
    _update(connection, [row for row in rows if row.outcome == Outcome.UPDATED], documents, stamp)
    _remember(connection, [row for row in rows if row.outcome == Outcome.UNCHANGED])
    return refused


def _done(connection: Connection, rows: Sequence[PlanRow], stamp: Stamp) -> set[tuple[str, int, str]]:
    """Find the rows of a batch that an earlier, broken-off try of this run has applied."""
    done: set[tuple[str, int, str]] = set()
    for number in {row.extract for row in rows}:
        extract, numbers = stamp.extracts[number], [row.row for row in rows if row.extract == number]
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
    query = select(users.c.id, users.c.version).where(among(connection, users.c.id, user_ids)).order_by(users.c.id)
    return {user_id: version for user_id, version in connection.execute(query.with_for_update())}


def _taken(connection: Connection, rows: Sequence[PlanRow], documents: dict[int, User]) -> dict[int, str]:
    """Find the rows with an identifier that somebody else has taken since the plan was made."""
    wanted = {
        key(value): row
        for row in rows
        if row.position in documents
        for _, value in identifiers_of(documents[row.position])
    }
    query = select(identifiers.c.value_key, identifiers.c.user_id).where(
        among(connection, identifiers.c.value_key, wanted)
    )
    return {
        wanted[value_key].position: "taken_since"
        for value_key, user_id in connection.execute(query)
        if user_id != wanted[value_key].user_id
    }


def _create(connection: Connection, rows: Sequence[PlanRow], documents: dict[int, User], stamp: Stamp) -> None:
    if not rows:
        return
    last = reserve(connection, "users", len(rows))
    numbered = list(zip(range(last - len(rows) + 1, last + 1), rows, strict=True))
    load_rows(
        connection,
        users,
        _USER_COLUMNS,
        ((user_id, *_user_columns(row, documents, 1, stamp), "{}") for user_id, row in numbered),
    )
    _add_identifiers(connection, ((user_id, documents[row.position]) for user_id, row in numbered))
    load_rows(
        connection,
        history,
        _HISTORY_COLUMNS,
        (_history(user_id, 1, row, stamp, before=None, after=row.document) for user_id, row in numbered),
    )


def reserve(connection: Connection, name: str, number: int) -> int:
    """Give out the next numbers of a counter; gives the last of them."""
    counted = update(counters).where(counters.c.name == name).values(value=counters.c.value + number)
    last = connection.scalar(counted.returning(counters.c.value))
    if last is None:
        connection.execute(insert(counters).values(name=name, value=number))
        return number
    return int(last)


def _update(connection: Connection, rows: Sequence[PlanRow], documents: dict[int, User], stamp: Stamp) -> None:
    if not rows:
        return
    columns = [name for name in _USER_COLUMNS if name not in {"id", "protected"}]
    statement = (
        update(users).where(users.c.id == bindparam("of_id")).values({n: bindparam(f"new_{n}") for n in columns})
    )
    values = []
    for row in rows:
        given = zip(columns, _user_columns(row, documents, (row.version or 0) + 1, stamp), strict=True)
        values.append({"of_id": row.user_id} | {f"new_{name}": value for name, value in given})
    connection.execute(statement, values)
    changed = [row for row in rows if _changes(row).keys() & {PRIMARY_ID, "user_identifier"}]
    connection.execute(
        delete(identifiers).where(among(connection, identifiers.c.user_id, [row.user_id for row in changed]))
    )
    _add_identifiers(connection, ((row.user_id, documents[row.position]) for row in changed))
    load_rows(connection, history, _HISTORY_COLUMNS, (_updated(row, stamp) for row in rows))


def _remember(connection: Connection, rows: Sequence[PlanRow]) -> None:
    """Note for unchanged users which row says so: the next run then need not look at them."""
    if not rows:
        return
    statement = (
        update(users)
        .where(users.c.id == bindparam("of_id"))
        .values(source_hash=bindparam("hashed"), source_version=users.c.version)
    )
    connection.execute(statement, [{"of_id": row.user_id, "hashed": row.source_hash} for row in rows])


_USER_COLUMNS = (
    "id",
    "primary_id",
    "account_type",
    "external_id",
    "version",
    "document",
    "source_hash",
    "source_version",
    "changed_at",
    "changed_by_run",
    "protected",
)


def _user_columns(row: PlanRow, documents: dict[int, User], version: int, stamp: Stamp) -> tuple[Any, ...]:
    user = documents[row.position]
    return (
        user[PRIMARY_ID],
        user["account_type"]["value"],
        user.get("external_id"),
        version,
        row.document,
        row.source_hash,
        version,
        stamp.now,
        stamp.run_id,
    )


def _add_identifiers(connection: Connection, given: Iterable[tuple[int | None, User]]) -> None:
    load_rows(
        connection,
        identifiers,
        ["value_key", "id_type", "value", "user_id"],
        ((key(value), id_type, value, user_id) for user_id, user in given for id_type, value in identifiers_of(user)),
    )


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
    user_id: int, version: int, row: PlanRow, stamp: Stamp, *, before: str | None, after: str | None
) -> tuple[Any, ...]:
    return (
        user_id,
        version,
        row.outcome,
        stamp.actor,
        stamp.run_id,
        stamp.extracts[row.extract],
        row.row,
        row.source_hash,
        before,
        after,
        stamp.now,
    )


def _updated(row: PlanRow, stamp: Stamp) -> tuple[Any, ...]:
    changed = _changes(row)
    before = orjson.dumps({name: pair[0] for name, pair in changed.items()}).decode()
    after = orjson.dumps({name: pair[1] for name, pair in changed.items()}).decode()
    return _history(row.user_id or 0, (row.version or 0) + 1, row, stamp, before=before, after=after)


def _changes(row: PlanRow) -> dict[str, list[Any]]:
    return dict(orjson.loads(row.changes or "{}"))
