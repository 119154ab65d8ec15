"""What staff do to one user. Each function is one transaction, with a history row that says who did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine

from matchpoint.accounts import rules
from matchpoint.accounts.passwords import drop_passwords, set_password, verify
from matchpoint.accounts.purge import holds
from matchpoint.accounts.rules import Account, AccountType, Owner, State
from matchpoint.accounts.store import Act, change, create, find, remove
from matchpoint.alma.fields import Segment, User
from matchpoint.errors import AccountError
from matchpoint.store.engine import writing


def create_internal(engine: Engine, user: User, act: Act, *, password: str | None = None) -> None:
    """Create an INTERNAL user; its segments are internal unless they say otherwise."""
    made = rules.new_internal(user)
    with writing(engine).begin() as connection:
        account = create(connection, made, act.by("create"))
        if password is not None:
            set_password(connection, account, password, act)


def edit(
    engine: Engine,
    identifier: str,
    values: Mapping[str, Any],
    act: Act,
    *,
    protect: bool = True,
    version: int | None = None,
) -> bool:
    """Edit fields, None to remove one; tell whether that changed anything. See :func:`rules.edit`."""
    return _change(
        engine, identifier, act.by("edit"), lambda account: rules.edit(account, values, protect=protect), version
    )


def restore(engine: Engine, identifier: str, field: str, act: Act) -> bool:
    """Release a protected field to the SIS's value."""
    return _change(engine, identifier, act.by("restore"), lambda account: rules.restore(account, field))


def add_segment(
    engine: Engine, identifier: str, segment: Segment, part: dict[str, Any], act: Act, *, owner: Owner = "Internal"
) -> bool:
    """Add a segment, the library's own unless said otherwise."""
    return _change(
        engine, identifier, act.by("edit"), lambda account: rules.add_part(account, segment, part, owner=owner)
    )


def change_segment(
    engine: Engine,
    identifier: str,
    segment: Segment,
    act: Act,
    *,
    place: int,
    part: dict[str, Any],
    open_for_update: bool = False,
) -> bool:
    """Replace a segment by its place, counted from 0."""
    return _change(
        engine,
        identifier,
        act.by("edit"),
        lambda account: rules.change_part(account, segment, place, part, open_for_update=open_for_update),
    )


def remove_segment(
    engine: Engine, identifier: str, segment: Segment, act: Act, *, place: int, open_for_update: bool = False
) -> bool:
    """Remove a segment by its place, counted from 0."""
    return _change(
        engine,
        identifier,
        act.by("edit"),
        lambda account: rules.remove_part(account, segment, place, open_for_update=open_for_update),
    )


def convert(engine: Engine, identifier: str, to: AccountType, act: Act, *, external_id: str | None = None) -> bool:
    """Convert one user; a password goes when it becomes EXTERNAL."""

    def converted(account: Account, connection: Connection) -> State:
        if to == "EXTERNAL":
            drop_passwords(connection, [account.id])
        return rules.convert(account, to, external_id)

    with writing(engine).begin() as connection:
        account = find(connection, identifier)
        return bool(change(connection, [(account, converted(account, connection))], act.by("convert")))


def add_role(engine: Engine, identifier: str, role: dict[str, Any], act: Act) -> bool:
    """Give a role, with its type, and scope, status, expiry date and parameters where it has them."""
    return _change(engine, identifier, act.by("role"), lambda one: (rules.with_role(one.user, role), one.protected))


def remove_role(engine: Engine, identifier: str, role_type: str, act: Act, *, scope: str = "") -> bool:
    """Take a role away."""

    def taken_away(account: Account) -> State:
        return rules.without_role(account.user, role_type, scope), account.protected

    return _change(engine, identifier, act.by("role"), taken_away)


def change_password(engine: Engine, identifier: str, password: str, act: Act, *, must_change: bool = False) -> None:
    """Set the password of an INTERNAL user."""
    with writing(engine).begin() as connection:
        set_password(connection, find(connection, identifier), password, act, must_change=must_change)


def signs_in(engine: Engine, identifier: str, password: str, on: date) -> bool:
    """Tell whether an INTERNAL user may sign in: the password is right, the user active and not expired."""
    with writing(engine).begin() as connection:
        try:
            account = find(connection, identifier)
        except AccountError:
            return verify(connection, None, password)
        user = account.user
        lives = user.get("expiry_date", "9999-12-31")[:10] >= on.isoformat()
        is_active = user.get("status", {}).get("value", "ACTIVE") == "ACTIVE"
        return verify(connection, account, password) and lives and is_active


def delete(engine: Engine, identifier: str, act: Act, *, version: int | None = None) -> None:
    """Delete a user, unless loans, requests or fees hold it; the history keeps the whole of it."""
    with writing(engine).begin() as connection:
        account = find(connection, identifier, version=version)
        for reason in holds(account.user):
            raise AccountError("401850", f"failed to delete user: {reason}")
        remove(connection, [account], act.by("delete"))


def merge(
    engine: Engine,
    gone: str,
    kept: str,
    act: Act,
    *,
    copy_segments: bool = True,
    primary_id_as: str | None = None,
) -> None:
    """Merge one user into another and delete it. It cannot be taken back; the history has the whole of both."""
    with writing(engine).begin() as connection:
        one, other = find(connection, gone), find(connection, kept)
        merged = rules.merge(one, other, copy_segments=copy_segments, primary_id_as=primary_id_as)
        for reason in holds(one.user):
            raise AccountError("401850", f"failed to delete user: {reason}")
        remove(connection, [one], act.by("merge"))
        change(connection, [(other, (merged, other.protected))], act.by("merge"))


def _change(
    engine: Engine, identifier: str, act: Act, how: Callable[[Account], State], version: int | None = None
) -> bool:
    with writing(engine).begin() as connection:
        account = find(connection, identifier, version=version)
        return bool(change(connection, [(account, how(account))], act))
