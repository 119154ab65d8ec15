"""Purge: the deliberate job that deletes users whose purge date has passed, and accounts for those it keeps.

Source: Alma's help, Purging Users. Nothing else in Matchpoint deletes a user that a SIS brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Engine

from matchpoint.accounts.rules import Account
from matchpoint.accounts.selection import Selection, user_ids
from matchpoint.accounts.store import Act, lock, remove
from matchpoint.alma.fields import NOTES, User
from matchpoint.store.engine import writing
from matchpoint.store.obligations import BLOCKED, owed_by

BATCH = 1_000
"""Users in one transaction."""
NO_SYNC = "NOSYNC"
"""A note that begins so says: leave this user alone."""


@dataclass
class Purged:
    """What a purge did, or in a dry run would do: how many users it deleted, and by primary id why it kept others."""

    deleted: int = 0
    kept: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values; it names people."""
        return {"deleted": self.deleted, "kept": [{"primary_id": one, "why": why} for one, why in self.kept.items()]}


def holds(user: User) -> Iterator[str]:
    """Tell what holds a user back from being deleted, without a value."""
    for name, words in (("loans", "loans"), ("requests", "requests"), ("fees", "an open balance")):
        if (user.get(name) or {}).get("value"):
            yield f"the user has {words}"


def says_nosync(user: User) -> bool:
    """Tell whether a note says that the user is to be left alone."""
    return any(note.get("note_text", "").strip().upper().startswith(NO_SYNC) for note in NOTES.parts(user))


def purge(
    engine: Engine,
    act: Act,
    *,
    as_of: date,
    days_after: int = 0,
    selection: Selection = Selection(),  # noqa: B008 (it is frozen)
    dry_run: bool = True,
    forget: bool = False,
) -> Purged:
    """Delete the users of a set whose purge date is ``days_after`` days past on ``as_of``.

    A user without purge date is never purged; expiry and status do not matter. Kept are users with loans, requests
    or an open balance, by their record or by the table of obligations, and those with a note that begins with
    NOSYNC. With ``forget`` the history keeps no data of them either.
    """
    due = as_of - timedelta(days=days_after) + timedelta(days=1)
    chosen = replace(selection, purge_before=due)
    purged = Purged()
    with engine.connect() as connection:
        batches = list(user_ids(connection, chosen, size=BATCH))
    for batch in batches:
        with writing(engine).begin() as connection:
            owed = owed_by(connection, batch)
            free = list(_free(lock(connection, batch), owed, due, purged))
            if free and not dry_run:
                remove(connection, free, act.by("purge"), forget=forget)
            purged.deleted += len(free)
    return purged


def _free(accounts: Sequence[Account], owed: Mapping[int, list[str]], due: date, purged: Purged) -> Iterator[Account]:
    for account in accounts:
        if account.user.get("purge_date", "9999-12-31")[:10] >= due.isoformat():
            continue  # it was given more time since
        known = [one for one in owed.get(account.id, ()) if one != BLOCKED]  # Alma's purge asks for no blocks
        reasons = [
            *dict.fromkeys([*holds(account.user), *known]),
            *(["a note says NOSYNC"] if says_nosync(account.user) else []),
        ]
        if reasons:
            purged.kept[account.user["primary_id"]] = "; ".join(reasons)
        else:
            yield account
