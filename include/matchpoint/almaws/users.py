"""The calls of Alma's users API on the user store: each is one transaction, its changes are in the history.

Errors are :class:`AccountError` with Alma's code (Alma's OpenAPI on users), without a person's data but for the
identifier that the caller asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select

from matchpoint.accounts import one
from matchpoint.accounts.passwords import set_password
from matchpoint.accounts.rules import Account
from matchpoint.accounts.store import Act, change, create, find
from matchpoint.alma.fields import CORE_BY_NAME, EMAILS, IDENTIFIERS, PRIMARY_ID, STATISTICS, Kind, User
from matchpoint.alma.identifiers import key
from matchpoint.almaws.put import post, put
from matchpoint.errors import AccountError
from matchpoint.store import writing
from matchpoint.store.code_tables import load_code_tables
from matchpoint.store.tables import identifiers, users

ANY_TYPE = "all_unique"
_BRIEF = (*(name for name, field in CORE_BY_NAME.items() if field.kind is not Kind.OPAQUE), IDENTIFIERS.name)


@dataclass(frozen=True)
class Alma:
    """A store that speaks Alma's API; ``profiles`` are the codes of its integration profiles."""

    engine: Engine
    profiles: Collection[str]


def read(alma: Alma, identifier: str, *, id_type: str = ANY_TYPE) -> User:
    """Give a user by an identifier of any type or of one; 401861 or 401890 when there is none."""
    with alma.engine.connect() as connection:
        _check_type(connection, identifier, id_type)
        held = select(identifiers.c.user_id).where(identifiers.c.value_key == key(identifier))
        user = connection.scalar(select(users.c.document).where(users.c.id.in_(held)))
    if user is None:
        raise AccountError("401861", "User with this identifier was not found.")
    return shown(user)


def add(alma: Alma, incoming: User, act: Act) -> User:
    """Create a user, and give it as it is; 401851 when an identifier is taken."""
    made = post(incoming, profiles=alma.profiles, tables=load_code_tables(alma.engine))
    with writing(alma.engine).begin() as connection:
        account = create(connection, made, act.by("api"))
        _take_password(connection, account, incoming, act)
    return shown(made)


def replace(
    alma: Alma, identifier: str, incoming: User, act: Act, *, id_type: str = ANY_TYPE, override: Collection[str] = ()
) -> User:
    """Swap a user for what was given (see :func:`matchpoint.almaws.put.put`), and give it as it is."""
    tables = load_code_tables(alma.engine)
    with writing(alma.engine).begin() as connection:
        account = _found(connection, identifier, id_type)
        state = put(account, incoming, override=override, profiles=alma.profiles, tables=tables)
        change(connection, [(account, state)], act.by("api"))
        _take_password(connection, find(connection, state[0][PRIMARY_ID]), incoming, act)
    return shown(state[0])


def delete(alma: Alma, identifier: str, act: Act, *, id_type: str = ANY_TYPE) -> None:
    """Delete a user, unless loans, requests or fees hold it: 401850."""
    with alma.engine.connect() as connection:
        _check_type(connection, identifier, id_type)
    one.delete(alma.engine, identifier, act.by("api"))


def authenticate(alma: Alma, identifier: str, password: str, act: Act, *, id_type: str = ANY_TYPE) -> None:
    """Check the password of an internal user; 401866 when it, or anything else, is wrong."""
    with alma.engine.connect() as connection:
        _check_type(connection, identifier, id_type)
    if not one.signs_in(alma.engine, identifier, password, act.now.date()):
        raise AccountError("401866", "Authentication failed.")


def shown(user: User) -> User:
    """Give a user as Alma answers it: with its full name, and never with a password."""
    names = (user.get(name) for name in ("first_name", "middle_name", "last_name"))
    return {**user, "full_name": " ".join(filter(None, names)), "password": ""}


def brief(user: User) -> User:
    """Leave of a user what ``view=brief`` gives: the single fields, emails, identifiers and statistics."""
    short = {name: value for name, value in user.items() if name in {*_BRIEF, STATISTICS.name}}
    return short | {"contact_info": {EMAILS.name: EMAILS.parts(user)}}


def _found(connection: Connection, identifier: str, id_type: str) -> Account:
    _check_type(connection, identifier, id_type)
    return find(connection, identifier)


def _check_type(connection: Connection, identifier: str, id_type: str) -> None:
    """Raise when the identifier is not of the type that was asked for."""
    held = select(identifiers.c.id_type).where(identifiers.c.value_key == key(identifier))
    if id_type not in {ANY_TYPE, connection.scalar(held)}:
        raise AccountError("401890", f"User with this identifier of type {id_type} was not found.")


def _take_password(connection: Connection, account: Account, incoming: User, act: Act) -> None:
    """Set the password that came along; an empty one leaves it as it is, an external user has none."""
    password = incoming.get("password")
    if password and not account.is_external:
        must_change: Any = str(incoming.get("force_password_change", "")).upper() == "TRUE"
        set_password(connection, account, password, act, must_change=must_change)
