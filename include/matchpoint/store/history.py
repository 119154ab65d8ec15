"""The history read backwards: what a user was at some version.

A change keeps the fields that it changed, before and after. So the newest state, and the changes since, give every
older one; a user made by a run is not written a second time.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from matchpoint.alma.fields import User
from matchpoint.alma.law import as_before
from matchpoint.store.bulk import among
from matchpoint.store.tables import history, users


def rule_of(rule: str | None, actor: str, extract: str | None) -> str | None:
    """Say by which rule a change was made; None for one by hand from before rules were noted.

    What a run loaded and has no rule followed its mode, the actor's first word: a user whom it made, or a change from
    before rules were noted.
    """
    return rule or (actor.partition(" ")[0] if extract else None)


def user_at(connection: Connection, user_id: int, version: int) -> User | None:
    """Give a user as it was after the change that made ``version``; None when it was not, or is forgotten."""
    return users_at(connection, {user_id: version}).get(user_id)


def users_at(connection: Connection, versions: Mapping[int, int]) -> dict[int, User]:
    """Give users, each as it was at the version named for it; who was not then, or is forgotten, is left out."""
    ids = list(versions)
    documents = select(users.c.id, users.c.document).where(among(connection, users.c.id, ids))
    states: dict[int, User | None] = {user_id: document for user_id, document in connection.execute(documents)}
    query = (
        select(history.c.user_id, history.c.version, history.c.outcome, history.c.before)
        .where(among(connection, history.c.user_id, ids))
        .order_by(history.c.user_id, history.c.version.desc())
    )
    found: dict[int, User] = {}
    for user_id, changed, outcome, before in connection.execute(query):
        state = states.get(user_id)
        if changed == versions[user_id] and state is not None:
            found[user_id] = state
        elif outcome == "created":
            states[user_id] = None
        elif outcome == "deleted":
            states[user_id] = before
        elif state is not None:
            states[user_id] = as_before(state, before or {})
    return found
