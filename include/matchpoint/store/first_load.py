"""The first load of an empty store: without secondary indexes, and on SQLite without a log, until all is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, ForeignKeyConstraint, Index, exists, inspect, select
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from matchpoint.store.engine import writing
from matchpoint.store.tables import history, identifiers, row_ledger, users

LATER = [index for table in (users, identifiers, history) for index in table.indexes]
"""The indexes that a first load makes last."""
_CHECKED_LATER = [key for table in (identifiers, row_ledger) for key in table.foreign_key_constraints]
"""Foreign keys that PostgreSQL checks all at once, last; SQLite checks them at the side."""
MANY = 10_000
"""From so many new users on it is worth it."""


@contextmanager
def first_load(engine: Engine, new_users: int) -> Iterator[None]:
    """Fill an empty store without its secondary indexes, which are made at the end at a third of the cost.

    ``new_users`` is how many are to come. A load that was broken off left the indexes out: the next one makes them,
    and so does every upgrade. SQLite needs no log either, which would write all twice, if nobody else is there.
    """
    with engine.connect() as connection:
        is_first = new_users >= MANY and not connection.scalar(select(exists(select(users.c.id))))
    if not is_first:
        if new_users:
            complete(engine)
        yield
        return
    with writing(engine).begin() as connection:
        for one in _left_out(connection):
            connection.execute(DropIndex(one) if isinstance(one, Index) else DropConstraint(one))
    try:
        with _without_log(engine):
            yield
    finally:
        complete(engine)


def complete(engine: Engine) -> None:
    """Make the indexes and foreign keys that a first load has left out, where they are missing."""
    with writing(engine).begin() as connection:
        found = set(_left_out(connection))
        for index in LATER:
            if index not in found:
                connection.execute(CreateIndex(index))
        for key in _CHECKED_LATER if engine.dialect.name == "postgresql" else ():
            if key not in found:
                connection.execute(AddConstraint(key))


def _left_out(connection: Connection) -> list[Index | ForeignKeyConstraint]:
    """List what is there of all that a first load leaves out."""
    seen = inspect(connection)
    tables = {one.table.name for one in LATER if one.table is not None}
    names = {one["name"] for table in tables for one in seen.get_indexes(table)}
    there: list[Index | ForeignKeyConstraint] = [one for one in LATER if one.name in names]
    if connection.dialect.name == "postgresql":
        keys = {one["name"] for table in (identifiers, row_ledger) for one in seen.get_foreign_keys(table.name)}
        there += [one for one in _CHECKED_LATER if one.name in keys]
    return there


@contextmanager
def _without_log(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        _journal(engine, "DELETE")
    try:
        yield
    finally:
        if engine.dialect.name == "sqlite":
            _journal(engine, "WAL")


def _journal(engine: Engine, mode: str) -> None:
    with engine.connect() as connection, suppress(sqlite3.OperationalError):  # somebody else has the store open
        driver: Any = connection.connection.dbapi_connection
        for pragma in ("busy_timeout=0", f"journal_mode={mode}", "busy_timeout=60000"):
            driver.execute(f"PRAGMA {pragma}")
