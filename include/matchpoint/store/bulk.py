"""Many rows at once: loaded by COPY on PostgreSQL and executemany on SQLite, and asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Column, ColumnElement, Connection, Table, any_, insert, literal
from sqlalchemy.exc import DataError, IntegrityError

from matchpoint.chunks import chunks

T = TypeVar("T")
BATCH = 1_000
"""Rows in one executemany; larger ones are no faster and hold more memory."""


def load_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows, each a sequence of values in the order of ``columns``. JSON goes in as text."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in columns)
        _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)
        return
    for batch in chunks(rows, BATCH):
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in batch])


def among(connection: Connection, column: Column[T], values: Iterable[T]) -> ColumnElement[bool]:
    """Say that a column's value is one of many: one array on PostgreSQL, where a thousand parameters cost time."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    return column.in_(list(values))


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
