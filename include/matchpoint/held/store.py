"""What a user store holds on one person: every row of every table that names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.pseudonym import pseudonym
from matchpoint.store.bulk import among
from matchpoint.store.tables import history, identifiers, metadata, plan_rows, users

_NEVER = {("passwords", "hash")}
"""Columns that are given to nobody."""


def users_named(connection: Connection, identifier: str) -> list[int]:
    """Give the users whom an identifier, in whatever case, names now, or named when they were deleted."""
    found = set(connection.scalars(select(identifiers.c.user_id).where(identifiers.c.value_key == key(identifier))))
    deleted = select(history.c.user_id, history.c.before).where(history.c.outcome == "deleted")
    for user_id, before in connection.execute(deleted.execution_options(yield_per=1_000)):
        if key(identifier) in _keys(before or {}):
            found.add(user_id)
    return sorted(found)


def held_in_store(connection: Connection, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Give by table the rows that are of a user; tables without any are left out."""
    found = {}
    for table in metadata.sorted_tables:
        where = _of_user(table, user_id)
        if where is not None:
            rows = [_plain(table, row._mapping) for row in connection.execute(select(table).where(where))]
            if rows:
                found[str(table.name)] = rows
    return found


def keys_of(tables: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Give every identifier that a user has, or ever had, case-folded."""
    documents = [row["document"] for row in tables.get("users", [])]
    for row in (*tables.get("history", []), *tables.get("plan_rows", [])):
        changes = row.get("changes") or {}
        befores = {name: pair[0] for name, pair in changes.items()}
        afters = {name: pair[1] for name, pair in changes.items()}
        documents += [row.get("before") or {}, row.get("after") or {}, befores, afters]
    held = {row["value_key"] for row in tables.get("identifiers", [])}
    return held.union(*map(_keys, documents))


def rows_loaded(tables: dict[str, list[dict[str, Any]]]) -> set[tuple[str, int]]:
    """Give the rows that a user was made of, as SHA-256 of the extract and row number."""
    some = (*tables.get("history", []), *tables.get("plan_rows", []))
    return {(row["extract"], row["row"]) for row in some if row.get("extract") and row.get("row") is not None}


def names_in_logs(keys: set[str], salt: str) -> list[str]:
    """Give the pseudonyms under which a person may be in logs."""
    return sorted(pseudonym(one, salt) for one in keys)


def _of_user(table: Table, user_id: int) -> ColumnElement[bool] | None:
    """Say that a row is of a user: by any column that names users; None for a table that has none."""
    if table is users:
        return users.c.id == user_id
    columns = [one for one in table.c if one.name == "user_id" or one.name.endswith("_user_id")]
    where: ColumnElement[bool] | None = None
    for column in columns:
        where = column == user_id if where is None else where | (column == user_id)
    return where


def _plain(table: Table, row: Any) -> dict[str, Any]:
    values = {str(name): value for name, value in row.items() if (table.name, name) not in _NEVER}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}


def _keys(document: dict[str, Any]) -> set[str]:
    """Give the identifiers in a user, or in some fields of one."""
    part = {PRIMARY_ID: document.get(PRIMARY_ID), IDENTIFIERS.name: document.get(IDENTIFIERS.name) or []}
    return {key(value) for _, value in identifiers_of(part) if isinstance(value, str)}


def plans_naming(connection: Connection, extracts: dict[str, set[int]]) -> Iterator[dict[str, Any]]:
    """Give the planned rows of some rows of extracts, row numbers by SHA-256."""
    for sha256, rows in extracts.items():
        wanted = (plan_rows.c.extract == sha256) & among(connection, plan_rows.c.row, sorted(rows))
        for row in connection.execute(select(plan_rows).where(wanted)):
            yield _plain(plan_rows, row._mapping)
