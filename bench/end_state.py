"""What a contestant left behind, in a form in which two of them can be compared: ids, times and runs aside."""

from __future__ import annotations

import importlib
from typing import Any

from sqlalchemy import select

from bench.child import MODULES
from matchpoint.store import open_store
from matchpoint.store.tables import history, identifiers, row_ledger, users

State = dict[str, Any]


def store_state(url: str) -> State:
    """Give the content of a user store: users, identifiers, history, and whose rows the ledger knows."""
    engine = open_store(url)
    with engine.connect() as connection:
        rows = connection.execute(select(users)).mappings().all()
        names = {row["id"]: row["primary_id"] for row in rows}
        state = {
            "users": {row["primary_id"]: _user(row) for row in rows},
            "identifiers": {
                one.value_key: (one.id_type, one.value, names[one.user_id])
                for one in connection.execute(select(identifiers))
            },
            "history": {
                (names[one.user_id], one.version): (one.outcome, one.extract, one.row, one.before, one.after)
                for one in connection.execute(select(history))
            },
            "row_ledger": {
                names[one.user_id]: (one.profile, one.row_hash is not None)
                for one in connection.execute(select(row_ledger))
            },
        }
    engine.dispose()
    return state


def _user(row: Any) -> tuple[Any, ...]:
    columns = ("account_type", "external_id", "version", "source_version", "document", "protected")
    return tuple(row[name] for name in columns)


def documents(contestant: str, url: str) -> State:
    """Give the one thing that peers keep, too: documents by primary id."""
    module = importlib.import_module(MODULES[contestant])
    if hasattr(module, "users"):
        return dict(module.users(url))
    return {primary_id: row[4] for primary_id, row in store_state(url)["users"].items()}


def differences(one: State, other: State, place: str = "") -> list[str]:
    """Tell where two states differ, without a value of either."""
    if one == other:
        return []
    if one.keys() != other.keys() or not all(isinstance(value, dict) for value in one.values()):
        wrong = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
        return [f"{place or 'users'}: {len(wrong)} of {len(one.keys() | other.keys())} differ, such as {wrong[:3]}"]
    return [told for key in one for told in differences(one[key], other[key], f"{place} {key}".strip())]
