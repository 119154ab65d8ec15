"""Alma's code tables in the store."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine, delete, insert, select

from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.store.engine import writing
from matchpoint.store.tables import code_tables


def save_code_tables(engine: Engine, codes: Iterable[Code]) -> dict[str, int]:
    """Replace every table of which there are codes, all in one transaction; give the number of codes by table."""
    rows: dict[str, list[dict[str, object]]] = {}
    for one in codes:
        rows.setdefault(one.table, []).append(
            {
                "name": one.table,
                "scope": one.scope,
                "code": one.code,
                "description": one.description,
                "enabled": one.enabled,
                "is_default": one.is_default,
            }
        )
    with writing(engine).begin() as connection:
        for name, some in rows.items():
            connection.execute(delete(code_tables).where(code_tables.c.name == name))
            connection.execute(insert(code_tables), some)
    return {name: len(some) for name, some in rows.items()}


def load_code_tables(engine: Engine) -> CodeTables:
    """Give all code tables of the store."""
    columns = code_tables.c
    query = select(
        columns.name, columns.code, columns.description, columns.scope, columns.enabled, columns.is_default
    ).order_by(columns.name, columns.scope, columns.code)
    with engine.connect() as connection:
        return CodeTables(Code(*row) for row in connection.execute(query))
