"""Staging: a whole feed's identifiers beside the store's, so that the database finds the matches.

The temporary tables live in one transaction that is rolled back: matching leaves no trace in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    exists,
    false,
    func,
    insert,
    not_,
    or_,
    select,
)

from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.matching import Hit, Identifiers, Rules
from matchpoint.outcomes import Outcome
from matchpoint.store.bulk import among, load_rows
from matchpoint.store.tables import history, identifiers, runs, users
from matchpoint.store.temporary import held_before, settled, staged, staged_identifiers, temporary

StagedRow = tuple[int, str, int, str, Identifiers]
"""Position in the feed, SHA-256 of the extract, row number, source hash, identifiers."""


@contextmanager
def staging(engine: Engine, rows: Callable[[], Iterable[StagedRow]]) -> Iterator[Connection]:
    """Load a feed, read twice, into temporary tables for the length of the block."""
    with engine.connect() as connection, connection.begin() as transaction:
        temporary.create_all(connection)
        heads = ((position, extract, row, hashed) for position, extract, row, hashed, _ in rows())
        load_rows(connection, staged, ["position", "extract", "row", "source_hash"], heads)
        pairs = ((position, id_type, key(value)) for position, *_, some in rows() for id_type, value in some)
        load_rows(connection, staged_identifiers, ["position", "id_type", "value_key"], pairs)
        _count(connection, staged, staged_identifiers)
        yield connection
        transaction.rollback()


def _count(connection: Connection, *tables: Table) -> None:
    """Let PostgreSQL count temporary tables: it does so by itself for lasting ones only."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {table.name}")


def _is_open(position: ColumnElement[int]) -> ColumnElement[bool]:
    """Say that a row is not settled, as an anti-join: NOT IN would be slow for a million rows."""
    answered = settled.alias("answered")
    return ~exists().where(answered.c.position == position)


def contested(connection: Connection) -> set[str]:
    """Give the identifiers that more than one row of the feed has."""
    columns = staged_identifiers.c
    query = select(columns.value_key).group_by(columns.value_key).having(func.count() > 1)
    return set(connection.scalars(query))


def held_among(connection: Connection, value_keys: Sequence[str]) -> set[str]:
    """Tell which identifiers the store or the feed has."""
    return {
        found
        for table in (identifiers, staged_identifiers)
        for found in connection.scalars(
            select(table.c.value_key).where(among(connection, table.c.value_key, value_keys))
        )
    }


def settle(connection: Connection, rules: Rules, run_id: str) -> None:
    """Find the rows that need no further look: those this run applied before, and those that did not change.

    A row is unchanged when the user it matches still is exactly what an earlier apply of the same row made.
    Contested rows are left out: there the order of the feed decides.
    """
    names = ["position", "outcome", "user_id"]
    if connection.scalar(select(exists().where(history.c.run_id == run_id))):
        connection.execute(insert(settled).from_select(names, _done(run_id)))
        _look_back(connection, run_id)
    if rules.mode == "synchronize":
        connection.execute(insert(settled).from_select(names, _unchanged(rules)))
    _count(connection, settled)


def _done(run_id: str) -> Any:
    """Find the rows whose user still is as this run left it, but for what others did.

    Of two extracts with the same content the first is the one that was applied.
    """
    newest = (
        select(history.c.user_id, func.max(history.c.version).label("version"))
        .where(history.c.run_id == run_id)
        .group_by(history.c.user_id)
        .subquery()
    )
    return (
        select(func.min(staged.c.position), history.c.outcome, history.c.user_id)
        .select_from(staged)
        .join(
            history,
            and_(
                history.c.run_id == run_id,
                history.c.extract == staged.c.extract,
                history.c.row == staged.c.row,
                history.c.source_hash == staged.c.source_hash,
            ),
        )
        .join(newest, and_(newest.c.user_id == history.c.user_id, newest.c.version == history.c.version))
        .group_by(history.c.user_id, history.c.version, history.c.outcome)
    )


def _look_back(connection: Connection, run_id: str) -> None:
    """Restore, beside the store, the identifiers that this run itself has replaced.

    A run that is repeated then decides about its other rows as it did the first time.
    """
    query = (
        select(users.c.id, users.c.document, history.c.before)
        .join(settled, settled.c.user_id == users.c.id)
        .join(history, and_(history.c.user_id == users.c.id, history.c.run_id == run_id))
        .where(history.c.outcome == Outcome.UPDATED)
        .order_by(history.c.version)
    )
    held: dict[int, Identifiers] = {}
    for user_id, document, before in connection.execute(query, execution_options={"yield_per": 1_000}):
        if before.keys() & {PRIMARY_ID, IDENTIFIERS.name}:
            held.setdefault(user_id, identifiers_of({**document, **before}))
    rows = ((key(value), id_type, user_id) for user_id, some in held.items() for id_type, value in some)
    load_rows(connection, held_before, ["value_key", "id_type", "user_id"], rows)


def _unchanged(rules: Rules) -> Any:
    mine, held = staged_identifiers, identifiers
    again = staged_identifiers.alias("again")
    other = staged_identifiers.alias("other")
    is_contested = exists().where(
        again.c.position == staged.c.position,
        other.c.value_key == again.c.value_key,
        other.c.position != again.c.position,
    )
    return (
        select(staged.c.position, func.min("unchanged"), func.min(users.c.id))
        .join(mine, and_(mine.c.position == staged.c.position, mine.c.id_type.in_(rules.match_points)))
        .join(held, and_(held.c.value_key == mine.c.value_key, held.c.id_type == mine.c.id_type))
        .join(users, users.c.id == held.c.user_id)
        .where(
            users.c.source_hash == staged.c.source_hash,
            users.c.source_version == users.c.version,
            users.c.account_type == "EXTERNAL",
            users.c.external_id == rules.profile_code,
            ~is_contested,
            _is_open(staged.c.position),
        )
        .group_by(staged.c.position)
    )


@dataclass(frozen=True)
class Settled:
    """A row that needs no further look: its outcome, its user, and as JSON what this run changed in it before."""

    outcome: str
    user_id: int
    changes: dict[str, list[Any]] | None = None

    @property
    def done(self) -> bool:
        """Whether this very run applied the row before."""
        return self.outcome != Outcome.UNCHANGED


def settled_between(connection: Connection, first: int, last: int, run_id: str) -> dict[int, Settled]:
    """Give the settled rows in a range of positions."""
    updated = and_(
        history.c.run_id == run_id,
        history.c.user_id == settled.c.user_id,
        history.c.outcome == Outcome.UPDATED,
        settled.c.outcome == Outcome.UPDATED,
    )
    query = (
        select(settled, history.c.before, history.c.after)
        .outerjoin(history, updated)
        .where(settled.c.position.between(first, last))
        .order_by(settled.c.position, history.c.version)
    )
    return {
        position: Settled(outcome, user_id, _changes(before, after))
        for position, outcome, user_id, before, after in connection.execute(query)
    }


def _changes(before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, list[Any]] | None:
    return {name: [(before or {}).get(name), value] for name, value in after.items()} if after else None


def _hit(*values: Any) -> Hit:
    id_type, value_key, user_id, version, account_type, external_id, changed, is_settled, primary_id = values
    seen = (id_type, value_key, user_id, version, account_type, external_id)
    return Hit(*seen, changed_since=bool(changed), settled=bool(is_settled), primary_id=primary_id)


def hits_between(connection: Connection, first: int, last: int, run_id: str) -> dict[int, list[Hit]]:
    """Give, for the rows in a range of positions that are not settled, the users who hold their identifiers."""
    planned_at: datetime | None = connection.scalar(select(runs.c.planned_at).where(runs.c.run_id == run_id))
    changed_since = (
        and_(
            users.c.changed_at > planned_at,
            or_(users.c.changed_by_run.is_(None), users.c.changed_by_run != run_id),
        )
        if planned_at
        else false()
    )
    hits: dict[int, list[Hit]] = {}
    for held in (identifiers, held_before):
        query = _hits(held, changed_since).where(staged_identifiers.c.position.between(first, last))
        for position, *values in connection.execute(query):
            hits.setdefault(position, []).append(_hit(*values))
    return hits


def _hits(held: Table, changed_since: Any) -> Any:
    """Look up in the identifiers of the store, or in those that this run itself has replaced."""
    replaced_by_this_run = or_(
        settled.c.outcome == Outcome.CREATED,
        and_(settled.c.outcome == Outcome.UPDATED, users.c.id.in_(select(held_before.c.user_id))),
    )
    query = (
        select(
            staged_identifiers.c.position,
            held.c.id_type,
            held.c.value_key,
            users.c.id,
            users.c.version,
            users.c.account_type,
            users.c.external_id,
            changed_since,
            settled.c.position.is_not(None),
            users.c.primary_id,
        )
        .join(held, held.c.value_key == staged_identifiers.c.value_key)
        .join(users, users.c.id == held.c.user_id)
        .outerjoin(settled, settled.c.user_id == users.c.id)
        .where(_is_open(staged_identifiers.c.position))
        .order_by(staged_identifiers.c.position)
    )
    if held is identifiers:
        query = query.where(or_(settled.c.outcome.is_(None), not_(replaced_by_this_run)))
    return query
