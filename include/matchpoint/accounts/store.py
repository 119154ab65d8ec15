"""Accounts in the store: found, changed and deleted, each change with its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from matchpoint.accounts.rules import Account, State
from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import changes
from matchpoint.errors import AccountError
from matchpoint.identity import keys as identity_keys
from matchpoint.store import row_ledger
from matchpoint.store.bulk import among, reserve
from matchpoint.store.tables import history, identifiers, passwords, users


@dataclass(frozen=True)
class Act:
    """Who changes users, and when; ``run_id`` names the job, when it is one, ``rule`` what it follows."""

    actor: str
    now: datetime
    run_id: str | None = None
    rule: str | None = None

    def by(self, rule: str) -> Act:
        """Give the same act by a rule, unless it names one already."""
        return self if self.rule else replace(self, rule=rule)


def find(connection: Connection, identifier: str, *, version: int | None = None) -> Account:
    """Find and lock a user by any identifier, in whatever case.

    Raises :class:`AccountError` when there is none, or when it is no longer at the version one has seen.
    """
    held = select(identifiers.c.user_id).where(identifiers.c.value_key == key(identifier))
    found = connection.execute(_accounts().where(users.c.id.in_(held)).with_for_update(of=users)).one_or_none()
    if found is None:
        raise AccountError("401861", "user: found none with this identifier")
    account = Account(*found)
    if version is not None and account.version != version:
        raise AccountError("changed_since", f"user: found version {account.version}; expected {version}. Look again.")
    return account


def _accounts() -> Any:
    return select(users.c.id, users.c.version, users.c.document, users.c.protected)


def lock(connection: Connection, user_ids: Sequence[int]) -> list[Account]:
    """Lock users by number."""
    query = _accounts().where(among(connection, users.c.id, user_ids)).order_by(users.c.id).with_for_update()
    return [Account(*row) for row in connection.execute(query)]


def create(connection: Connection, user: User, act: Act) -> Account:
    """Add a user; raises :class:`AccountError` when an identifier is taken."""
    account = Account(reserve(connection, "users", 1), 1, user)
    columns = {**_columns((account, (user, {})), act), "id": account.id, "version": 1}
    _refuse_taken(connection, [(account.id, user)])
    connection.execute(insert(users).values(columns))
    _add_identifiers(connection, [(account.id, user)])
    connection.execute(insert(history).values(_history(account.id, 1, act, outcome="created", after=user)))
    identity_keys.note(connection, [(account.id, user)])
    return account


def change(connection: Connection, changed: Iterable[tuple[Account, State]], act: Act) -> int:
    """Write changed users; give how many differ from what they were. The others are left alone.

    Raises :class:`AccountError` when an identifier is taken.
    """
    some = [(account, state) for account, state in changed if state != (account.user, account.protected)]
    if not some:
        return 0
    moved = [(account.id, state[0]) for account, state in some if _identity(state[0]) != _identity(account.user)]
    connection.execute(delete(identifiers).where(among(connection, identifiers.c.user_id, [one for one, _ in moved])))
    _refuse_taken(connection, moved)
    columns = [_columns(one, act) | {"of_id": one[0].id, "version": one[0].version + 1} for one in some]
    statement = update(users).where(users.c.id == bindparam("of_id"))
    connection.execute(
        statement.values({name: bindparam(f"new_{name}") for name in columns[0] if name != "of_id"}),
        [{name if name == "of_id" else f"new_{name}": value for name, value in one.items()} for one in columns],
    )
    _add_identifiers(connection, moved)
    connection.execute(insert(history), [_changed(*one, act) for one in some])
    identity_keys.note(connection, [(account.id, state[0]) for account, state in some])
    return len(some)


def remove(connection: Connection, accounts: Sequence[Account], act: Act, *, forget: bool = False) -> None:
    """Delete users with identifiers and password. The history keeps the whole user, or with ``forget`` nothing."""
    ids = [account.id for account in accounts]
    row_ledger.forget(connection, ids)
    for table in (passwords, identifiers):
        connection.execute(delete(table).where(among(connection, table.c.user_id, ids)))
    connection.execute(delete(users).where(among(connection, users.c.id, ids)))
    if forget:
        connection.execute(delete(history).where(among(connection, history.c.user_id, ids)))
    connection.execute(
        insert(history),
        [
            _history(one.id, one.version + 1, act, outcome="deleted", before=None if forget else one.user)
            for one in accounts
        ],
    )


def bring_back(connection: Connection, accounts: Sequence[Account], act: Act) -> None:
    """Add users again who were deleted, under their numbers, without password; their versions go on.

    Raises :class:`AccountError` when an identifier is taken.
    """
    if not accounts:
        return
    given = [(account.id, account.user) for account in accounts]
    _refuse_taken(connection, given)
    columns = [
        {**_columns((one, (one.user, one.protected)), act), "id": one.id, "version": one.version + 1}
        for one in accounts
    ]
    connection.execute(insert(users), columns)
    _add_identifiers(connection, given)
    made = [_history(one.id, one.version + 1, act, outcome="created", after=one.user) for one in accounts]
    connection.execute(insert(history), made)


def _identity(user: User) -> list[Any]:
    return [user[PRIMARY_ID], IDENTIFIERS.parts(user)]


def _columns(changed: tuple[Account, State], act: Act) -> dict[str, Any]:
    """Give the columns of a user that follow from its document; the hash of the SIS's row stays, its version not."""
    user, protected = changed[1]
    return {
        "primary_id": user[PRIMARY_ID],
        "account_type": user["account_type"]["value"],
        "external_id": user.get("external_id"),
        "document": user,
        "protected": protected,
        "changed_at": act.now,
        "changed_by_run": None,
    }


def _refuse_taken(connection: Connection, given: Sequence[tuple[int, User]]) -> None:
    wanted = [key(value) for _, user in given for _, value in identifiers_of(user)]
    query = select(identifiers.c.id_type).where(among(connection, identifiers.c.value_key, wanted))
    taken = connection.scalars(query).first()
    if taken is not None or len(set(wanted)) < len(wanted):
        raise AccountError("401851", f"user with identifier of type {taken or PRIMARY_ID} already exists")


def _add_identifiers(connection: Connection, given: Sequence[tuple[int, User]]) -> None:
    rows = [
        {"value_key": key(value), "id_type": id_type, "value": value, "user_id": user_id}
        for user_id, user in given
        for id_type, value in identifiers_of(user)
    ]
    try:
        if rows:
            connection.execute(insert(identifiers), rows)
    except IntegrityError:  # somebody was faster
        raise AccountError("401851", "user with this identifier already exists") from None


def _changed(account: Account, state: State, act: Act) -> dict[str, Any]:
    found = changes(account.user, state[0])
    if state[1] != account.protected:
        found["protected"] = [sorted(account.protected), sorted(state[1])]
    before = {name: pair[0] for name, pair in found.items()}
    after = {name: pair[1] for name, pair in found.items()}
    return _history(account.id, account.version + 1, act, outcome="updated", before=before, after=after)


def _history(
    user_id: int, version: int, act: Act, *, outcome: str, before: Any = None, after: Any = None
) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "version": version,
        "outcome": outcome,
        "actor": act.actor,
        "run_id": act.run_id,
        "before": before,
        "after": after or {},
        "at": act.now,
        "rule": act.rule,
    }


def note(connection: Connection, account: Account, what: str, act: Act) -> None:
    """Grow a user's version for a change that its document does not show, such as a new password."""
    version = account.version + 1
    touched = {"version": version, "changed_at": act.now, "changed_by_run": None}
    connection.execute(update(users).where(users.c.id == account.id).values(touched))
    row = _history(account.id, version, act.by(what), outcome="updated", before={}, after={what: True})
    connection.execute(insert(history).values(row))
