"""The history read backwards: what a user was at some version.

A change keeps the fields that it changed, before and after. So the newest state, and the changes since, give every
older one; a user made by a run is not written a second time.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from matchpoint.alma.fields import User
from matchpoint.alma.law import as_before
from matchpoint.store.tables import history, users


def rule_of(rule: str | None, actor: str, extract: str | None) -> str | None:
    """Say by which rule a change was made; None for one by hand from before rules were noted.

    What a run loaded and has no rule followed its mode, the actor's first word: a user whom it made, or a change from
    before rules were noted.
    """
    return rule or (actor.partition(" ")[0] if extract else None)


def user_at(connection: Connection, user_id: int, version: int) -> User | None:
    """Give a user as it was after the change that made ``version``; None when it was not, or is forgotten."""
    user: User | None = connection.scalar(select(users.c.document).where(users.c.id == user_id))
    query = (
        select(history.c.version, history.c.outcome, history.c.before)
        .where(history.c.user_id == user_id)
        .order_by(history.c.version.desc())
    )
    for changed, outcome, before in connection.execute(query):
        if changed == version:
            return user
        if outcome == "created":
            user = None
        elif outcome == "deleted":
            user = before
        elif user is not None:
            user = as_before(user, before or {})
    return None
