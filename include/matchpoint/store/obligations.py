"""What the store knows of what people owe, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from matchpoint.store.bulk import among
from matchpoint.store.leavers_tables import obligations

BLOCKED = "the user has a block"


def owed_by(connection: Connection, user_ids: Iterable[int]) -> dict[int, list[str]]:
    """Tell without a number what users owe, by user; of whom nothing is known is not told."""
    query = select(obligations).where(among(connection, obligations.c.user_id, list(user_ids)))
    return {one["user_id"]: list(_words(dict(one))) for one in connection.execute(query).mappings()}


def _words(owed: dict[str, Any]) -> Iterator[str]:
    if owed["blocks"]:
        yield BLOCKED
    for name in ("loans", "requests"):
        if owed[name]:
            yield f"the user has {name}"
    if Decimal(owed["fines"]) > 0:
        yield "the user has an open balance"
