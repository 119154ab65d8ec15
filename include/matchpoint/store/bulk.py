"""Many rows at once: loaded by COPY on PostgreSQL and executemany on SQLite, and asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import orjson
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    any_,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError

from matchpoint.chunks import chunks
from matchpoint.store.tables import counters

T = TypeVar("T")
BATCH = 1_000
"""Rows in one executemany; larger ones are no faster and hold more memory."""


def load_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows, each a sequence of values in the order of ``columns``. JSON and times go in as text."""
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)
        return
    places = ", ".join("?" * len(columns))
    for batch in chunks(rows, BATCH):
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', list(map(tuple, batch)))  # noqa: S608


def numbers_of(connection: Connection, query: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Give the rows of a query for whole numbers, one row of the array each; the last column is a user's number.

    A million of them take less than a second: PostgreSQL packs them into some large values, SQLite gives them by the
    driver's own cursor. SQLAlchemy's rows would take three to four times as long.
    """
    if connection.dialect.name == "postgresql":
        columns = list(query.subquery().c)
        packed: ColumnElement[Any] = func.int8send(columns[0])
        for one in columns[1:]:
            packed = packed.concat(func.int8send(one))
        some = select(func.string_agg(packed, func.decode("", "hex")))
        parts = connection.scalars(some.group_by(columns[-1].op(">>")(literal_column("16"))))
        return np.frombuffer(b"".join(map(bytes, parts)), dtype=">i8").astype(np.int64).reshape(-1, len(columns))
    written = query.compile(connection, compile_kwargs={"render_postcompile": True})
    cursor: Any = connection.connection.cursor()
    cursor.execute(str(written), [written.params[name] for name in written.positiontup or ()])
    width = len(cursor.description)
    found = np.fromiter(cursor, dtype=np.dtype([(str(place), np.int64) for place in range(width)]))
    return found.view(np.int64).reshape(-1, width)


@contextmanager
def beside(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[Table]:
    """Load rows beside a table, into a temporary one of some of its columns, for one statement to take over."""
    same = (Column(name, table.c[name].type) for name in columns)
    temporary = Table(f"new_{table.name}", MetaData(), *same, prefixes=["TEMPORARY"])
    temporary.create(connection)
    load_rows(connection, temporary, columns, rows)
    if connection.dialect.name == "postgresql":  # else it takes the table for big, and reads the other one whole
        connection.exec_driver_sql(f"ANALYZE {temporary.name}")
    yield temporary
    temporary.drop(connection)


def insert_or_update(connection: Connection, table: Table) -> Any:
    """Give the database's own INSERT, which knows ON CONFLICT."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def time_text(connection: Connection, time: datetime) -> str:
    """Write a time as :func:`load_rows` takes it; SQLite has no type for times, and SQLAlchemy writes them so."""
    return time.isoformat() if connection.dialect.name == "postgresql" else time.strftime("%Y-%m-%d %H:%M:%S.%f")


def among(connection: Connection, column: ColumnElement[T], values: Iterable[T]) -> ColumnElement[bool]:
    """Say that a column's value is one of many: as one parameter, since a thousand of them cost time."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return column.in_(select(listed.c.value))


def reserve(connection: Connection, name: str, number: int) -> int:
    """Give out the next numbers of a counter; gives the last of them."""
    counted = update(counters).where(counters.c.name == name).values(value=counters.c.value + number)
    last = connection.scalar(counted.returning(counters.c.value))
    if last is None:
        connection.execute(insert(counters).values(name=name, value=number))
        return number
    return int(last)


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run a COPY. It goes past SQLAlchemy, so its errors are made SQLAlchemy's here, without the row they show."""
    driver: Any = connection.dialect.loaded_dbapi
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except driver.IntegrityError:
        raise IntegrityError(statement, None, _refused(driver)) from None
    except driver.DataError:
        raise DataError(statement, None, _refused(driver)) from None


def _refused(driver: Any) -> Exception:
    refused: Exception = driver.Error("a row was refused")
    return refused
