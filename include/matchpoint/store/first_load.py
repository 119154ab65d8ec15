"""The first load of an empty store: without secondary indexes, and on SQLite without a log, until all is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Engine, exists, select

from matchpoint.store.engine import writing
from matchpoint.store.tables import history, identifiers, users

LATER = [index for table in (users, identifiers, history) for index in table.indexes]
"""The indexes that a first load makes last."""


@contextmanager
def first_load(engine: Engine) -> Iterator[None]:
    """Fill an empty store without its secondary indexes, which are made at the end at a third of the cost.

    A load that was broken off left them out: they are made anew before anything else. SQLite then needs no log
    either, which would write everything twice, if nobody else has the store open.
    """
    make_indexes(engine)
    with writing(engine).begin() as connection:
        is_empty = connection.scalar(select(~exists(select(users.c.id))))
        for index in LATER if is_empty else ():
            index.drop(connection, checkfirst=True)
    try:
        with _without_log(engine) if is_empty else nullcontext():
            yield
    finally:
        make_indexes(engine)


def make_indexes(engine: Engine) -> None:
    """Make the secondary indexes that are missing."""
    with writing(engine).begin() as connection:
        for index in LATER:
            index.create(connection, checkfirst=True)


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
