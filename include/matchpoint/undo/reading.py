"""What the history has of users whose changes are to be taken back: set by set, never one by one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from matchpoint.accounts.rules import Account
from matchpoint.alma.fields import PRIMARY_ID
from matchpoint.alma.identifiers import key
from matchpoint.hashes import Hashes
from matchpoint.store.bulk import among
from matchpoint.store.tables import history, identifiers, runs, users
from matchpoint.undo.traces import UNDO, Entry, newest_in_effect, protections

_COLUMNS = (
    history.c.version,
    history.c.outcome,
    history.c.actor,
    history.c.run_id,
    history.c.rule,
    history.c.before,
    history.c.after,
)


@dataclass(frozen=True)
class Past:
    """What a plan needs to know of a user.

    ``entries`` begin at the first to be taken back and end before what this undo itself did; ``own`` tells that it
    has treated the user already.
    """

    entries: list[Entry]
    own: bool = False

    @property
    def version(self) -> int:
        """The user's version after the last entry."""
        return self.entries[-1].version

    @property
    def document(self) -> dict[str, Any] | None:
        """The user as it was before the last deletion."""
        deleted = [one.before for one in self.entries if one.outcome == "deleted"]
        return dict(deleted[-1]) if deleted and deleted[-1] else None


def users_of_run(connection: Connection, run_id: str) -> Hashes:
    """Give the numbers of the users whom a run changed, in order."""
    found = connection.scalars(select(history.c.user_id).where(history.c.run_id == run_id).distinct())
    return np.sort(np.fromiter(found, dtype=np.int64))


def users_called(connection: Connection, identifier: str) -> list[int]:
    """Give the user who has an identifier, in whatever case; else those who had it when they were deleted."""
    held = select(identifiers.c.user_id).where(identifiers.c.value_key == key(identifier))
    if found := list(connection.scalars(held)):
        return found
    was = func.lower(history.c.before[PRIMARY_ID].as_string())
    gone = select(history.c.user_id).where(history.c.outcome == "deleted", was == identifier.lower()).distinct()
    return sorted(connection.scalars(gone))


def pasts_of_run(connection: Connection, user_ids: Sequence[int], run_id: str, own_run: str) -> dict[int, Past]:
    """Read what came of users since a run first changed each."""
    found = {}
    for user_id, entries in _entries_of(connection, user_ids).items():
        first = next((place for place, one in enumerate(entries) if one.run_id == run_id), None)
        if first is not None:
            since = [replace(one, is_target=one.run_id == run_id) for one in entries[first:]]
            found[user_id] = _past(since, own_run)
    return found


def past_of(
    connection: Connection, user_id: int, own_run: str, *, name: str | None = None, run_id: str | None = None
) -> Past | None:
    """Read what came of one user since its last change, or since a run; None when there is nothing to take back."""
    if run_id is not None:
        return pasts_of_run(connection, [user_id], run_id, own_run).get(user_id)
    whole = _past(_entries_of(connection, [user_id]).get(user_id, []), own_run)
    newest = newest_in_effect(whole.entries, name)
    if newest is None:
        return None
    since = [replace(one, is_target=one.version == newest) for one in whole.entries if one.version >= newest]
    return replace(whole, entries=since)


def deleted_accounts(connection: Connection, versions: Mapping[int, int]) -> dict[int, Account]:
    """Read users as they were before the deletions that made some versions; those who are forgotten are left out."""
    if not versions:
        return {}
    found = {}
    for user_id, entries in _entries_of(connection, list(versions)).items():
        last = [one for one in entries if one.version == versions[user_id]]
        if last and last[0].outcome == "deleted" and last[0].before:
            found[user_id] = Account(user_id, last[0].version, dict(last[0].before), protections(entries))
    return found


def accounts_of(connection: Connection, user_ids: Sequence[int]) -> dict[int, Account]:
    """Read users as they are now."""
    query = select(users.c.id, users.c.version, users.c.document, users.c.protected)
    return {row[0]: Account(*row) for row in connection.execute(query.where(among(connection, users.c.id, user_ids)))}


def _entries_of(connection: Connection, user_ids: Sequence[int]) -> dict[int, list[Entry]]:
    """Read the whole history of users, by its key: asked by run, SQLite would read all of the run for every batch."""
    query = select(history.c.user_id, *_COLUMNS).where(among(connection, history.c.user_id, user_ids))
    found: dict[int, list[Entry]] = {}
    for user_id, *rest in connection.execute(query.order_by(history.c.user_id, history.c.version)):
        found.setdefault(user_id, []).append(Entry(*rest))
    undone = _undone_runs(connection, {one.run_id for some in found.values() for one in some if one.rule == UNDO})
    if undone:
        found = {
            user_id: [replace(one, undone_run=undone.get(one.run_id)) for one in some]
            for user_id, some in found.items()
        }
    return found


def _undone_runs(connection: Connection, undos: Collection[str | None]) -> dict[str | None, str]:
    """Tell which run each of some undos took back; one of a person's last change took back none."""
    if not undos:
        return {}
    query = select(runs.c.run_id, runs.c.receipt).where(among(connection, runs.c.run_id, undos))
    told = {run_id: (receipt or {}).get("undone_run") for run_id, receipt in connection.execute(query)}
    return {run_id: undone for run_id, undone in told.items() if undone}


def _past(entries: list[Entry], own_run: str) -> Past:
    own = next((place for place, one in enumerate(entries) if one.run_id == own_run), len(entries))
    return Past(entries[:own], own < len(entries))
