"""What staff do to a set of users: in transactions of a thousand, none for the users that it does not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Engine

from matchpoint.accounts import rules
from matchpoint.accounts.passwords import drop_passwords, put_password, random_password
from matchpoint.accounts.purge import BATCH
from matchpoint.accounts.rules import Account, AccountType, State
from matchpoint.accounts.selection import Selection, user_ids
from matchpoint.accounts.store import Act, change, lock
from matchpoint.errors import AccountError
from matchpoint.store.engine import writing


@dataclass
class Changed:
    """What came of a change of a set: users met, users changed, and by primary id why others were refused.

    ``passwords`` are one-time passwords by primary id; they are nowhere else.
    """

    met: int = 0
    changed: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values, without passwords; it names people."""
        refused = [{"primary_id": one, "why": why} for one, why in self.refused.items()]
        return {"met": self.met, "changed": self.changed, "refused": refused}


def convert_all(
    engine: Engine,
    selection: Selection,
    to: AccountType,
    act: Act,
    *,
    external_id: str | None = None,
    with_passwords: bool = False,
    dry_run: bool = True,
) -> Changed:
    """Convert every user of a set that is of the other account type.

    With ``with_passwords`` those who become INTERNAL get a one-time password each, to be changed at the next sign-in.
    Raises :class:`AccountError` when external id and account type do not fit.
    """

    def after(connection: Connection, accounts: list[Account], changed: Changed) -> None:
        if to == "EXTERNAL":
            drop_passwords(connection, [one.id for one in accounts])
        elif with_passwords:
            for account in accounts:
                password = changed.passwords[account.user["primary_id"]] = random_password()
                put_password(connection, _next(account, to), password, act, must_change=True)

    rules.check_target(to, external_id)
    others = replace(selection, account_type="EXTERNAL" if to == "INTERNAL" else "INTERNAL")
    return _change_all(
        engine,
        others,
        lambda one: rules.convert(one, to, external_id),
        act.by("convert"),
        dry_run=dry_run,
        after=after,
    )


def edit_all(
    engine: Engine,
    selection: Selection,
    values: Mapping[str, Any],
    act: Act,
    *,
    protect: bool = True,
    dry_run: bool = True,
) -> Changed:
    """Edit fields of every user of a set: status, expiry date, purge date ..."""
    return _change_all(
        engine, selection, lambda one: rules.edit(one, values, protect=protect), act.by("edit"), dry_run=dry_run
    )


def _next(account: Account, to: AccountType) -> Account:
    """Give an account as it is right after its conversion."""
    return replace(account, version=account.version + 1, user={**account.user, "account_type": {"value": to}})


def _change_all(
    engine: Engine,
    selection: Selection,
    how: Callable[[Account], State],
    act: Act,
    *,
    dry_run: bool,
    after: Callable[[Connection, list[Account], Changed], None] | None = None,
) -> Changed:
    changed = Changed()
    with engine.connect() as connection:
        batches = list(user_ids(connection, selection, size=BATCH))
    for batch in batches:
        with writing(engine).begin() as connection:
            states = []
            for account in lock(connection, batch):
                changed.met += 1
                try:
                    states.append((account, how(account)))
                except AccountError as error:
                    changed.refused[account.user["primary_id"]] = str(error)
            if dry_run:
                changed.changed += sum(state != (one.user, one.protected) for one, state in states)
                continue
            changed.changed += change(connection, states, act)
            if after:
                after(connection, [account for account, _ in states], changed)
    return changed
