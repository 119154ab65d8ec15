"""Writing an undo: some rows of its plan in one transaction, with history and identifiers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from matchpoint.accounts.passwords import drop_passwords
from matchpoint.accounts.purge import holds
from matchpoint.accounts.rules import Account, State
from matchpoint.accounts.store import Act, bring_back, change, lock, remove
from matchpoint.alma.fields import User
from matchpoint.store.bulk import among
from matchpoint.store.lookup import holders_of
from matchpoint.store.tables import history
from matchpoint.undo.identity import Exchange, Move, possible
from matchpoint.undo.reading import deleted_accounts
from matchpoint.undo.rows import UndoRow
from matchpoint.undo.states import differs, taken_back

Refused = dict[int, str]
"""By user a code of :data:`matchpoint.undo.verdicts.WORDS`: why it is left though the plan has it."""


def write_rows(connection: Connection, rows: Sequence[UndoRow], act: Act) -> Refused:
    """Take back what some rows say, inside the caller's transaction; give who is left after all, and why.

    A user who is no longer as the plan saw it is left. One whom this undo has treated before is passed over.
    """
    done = _done(connection, rows, act)
    rows = [row for row in rows if row.user_id not in done]
    accounts = {one.id: one for one in lock(connection, [row.user_id for row in rows if row.deed != "create"])}
    refused = {row.user_id: why for row in rows if (why := _why_not(row, accounts.get(row.user_id)))}
    by_deed: dict[str, list[UndoRow]] = {"delete": [], "change": [], "create": []}
    for row in rows:
        if row.user_id not in refused:
            by_deed[row.deed].append(row)
    if by_deed["delete"]:
        remove(connection, [accounts[row.user_id] for row in by_deed["delete"]], act)
    states = {row.user_id: taken_back(accounts[row.user_id], row.changed) for row in by_deed["change"]}
    back = deleted_accounts(connection, {row.user_id: row.version for row in by_deed["create"]})
    refused |= dict.fromkeys((row.user_id for row in by_deed["create"] if row.user_id not in back), "forgotten")
    taken = _taken(connection, accounts, states, back)
    _change(connection, [(accounts[one], state) for one, state in states.items() if one not in taken], act)
    bring_back(connection, [account for one, account in back.items() if one not in taken], act)
    return refused | dict.fromkeys(taken, "taken")


def _done(connection: Connection, rows: Sequence[UndoRow], act: Act) -> set[int]:
    some = among(connection, history.c.user_id, [row.user_id for row in rows])
    query = select(history.c.user_id, history.c.run_id).where(
        some
    )  # by key: asked by run, SQLite reads all of the run
    return {user_id for user_id, run_id in connection.execute(query) if run_id == act.run_id}


def _why_not(row: UndoRow, account: Account | None) -> str | None:
    if row.deed == "create":
        return None
    if account is None:
        return "deleted_since"
    if account.version != row.version or differs(account, row.changed):
        return "changed_since"
    return "held" if row.deed == "delete" and any(holds(account.user)) else None


def _taken(
    connection: Connection, accounts: dict[int, Account], states: dict[int, State], back: dict[int, Account]
) -> set[int]:
    """Tell who cannot have an identifier again, since somebody took it after the plan was made."""
    pairs: dict[int, tuple[User, User]] = {one: (accounts[one].user, state[0]) for one, state in states.items()}
    pairs |= {one: ({}, account.user) for one, account in back.items()}
    moves = [Move.of(one, *pair) for one, pair in pairs.items()]
    moves = [one for one in moves if one.taken or one.given]
    held = holders_of(connection, {key for one in moves for key in one.taken})
    can = possible(moves, held, Exchange())
    return {one.user_id for one in moves if one.user_id not in can}


def _change(connection: Connection, states: Sequence[tuple[Account, State]], act: Act) -> None:
    """Write changed users; who becomes EXTERNAL keeps no password."""
    change(connection, states, act)
    external = [
        one.id for one, state in states if state[0]["account_type"]["value"] == "EXTERNAL" and not one.is_external
    ]
    if external:
        drop_passwords(connection, external)
