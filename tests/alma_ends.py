"""Both ends of a delivery compared: the user store that delivers, and the store of the Alma double."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select

from matchpoint.canonical import canonical
from matchpoint.deliver.files import to_load
from matchpoint.store.tables import users


def differences(store: Engine, double: Engine, profile: str) -> list[str]:
    """Tell what of a profile's users is not in the double as in the store, one line each; [] when both are equal."""
    ours, theirs = _users(store, profile), _users(double, profile)
    return [f"{one}: differs" for one in sorted(ours.keys() | theirs.keys()) if ours.get(one) != theirs.get(one)]


def _users(engine: Engine, profile: str) -> dict[str, str]:
    query = select(users.c.primary_id, users.c.document).where(users.c.external_id == profile)
    with engine.connect() as connection:
        return {one.casefold(): canonical(_plain(document)) for one, document in connection.execute(query)}


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return to_load(document)
