"""Passwords of INTERNAL users: argon2id hashes in a table of their own, never read back, never in a history.

External users sign in elsewhere: no password of theirs is kept.
"""

from __future__ import annotations

import secrets
import string

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import Connection, delete, insert, select
from zxcvbn import zxcvbn

from matchpoint.accounts.rules import Account
from matchpoint.accounts.store import Act, note
from matchpoint.alma.identifiers import identifiers
from matchpoint.errors import AccountError
from matchpoint.store.tables import passwords

SHORTEST = 8
GUESSABLE = 2
"""Below this score, of 0 to 4, a password is easily guessed."""
_LONGEST_JUDGED = 72
_HASHER = PasswordHasher()
_ALPHABET = string.ascii_letters + string.digits


def random_password() -> str:
    """Make a password to be used once: ten characters, as Alma's job does."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def set_password(
    connection: Connection, account: Account, password: str, act: Act, *, must_change: bool = False
) -> None:
    """Set the password of an INTERNAL user. Raises :class:`AccountError` for a weak one and for an external user."""
    if account.is_external:
        raise AccountError("external_password", "password: found an external user; those sign in elsewhere")
    _refuse_weak(account, password)
    put_password(connection, account, password, act, must_change=must_change)


def put_password(connection: Connection, account: Account, password: str, act: Act, *, must_change: bool) -> None:
    """Keep a password that is known to be good."""
    connection.execute(delete(passwords).where(passwords.c.user_id == account.id))
    hashed = _HASHER.hash(password)
    values = {"user_id": account.id, "hash": hashed, "must_change": must_change, "changed_at": act.now}
    connection.execute(insert(passwords).values(values))
    note(connection, account, "password", act)


def _refuse_weak(account: Account, password: str) -> None:
    own = [value.casefold() for _, value in identifiers(account.user)]
    own += [str(account.user.get(name, "")).casefold() for name in ("first_name", "last_name")]
    if len(password) < SHORTEST:
        raise AccountError("500038", f"password: found a short one; expected at least {SHORTEST} characters")
    if any(len(word) > 2 and word in password.casefold() for word in own):
        raise AccountError("500038", "password: found the user's name or identifier in it; expected neither")
    if zxcvbn(password[:_LONGEST_JUDGED], user_inputs=own)["score"] < GUESSABLE:
        raise AccountError("500038", "password: found one that is easily guessed; expected a better one")


def drop_passwords(connection: Connection, user_ids: list[int]) -> None:
    """Forget the passwords of users."""
    connection.execute(delete(passwords).where(passwords.c.user_id.in_(user_ids)))


def verify(connection: Connection, account: Account | None, password: str) -> bool:
    """Tell whether this is the user's password; brings its hash to today's strength when it is."""
    mine = passwords.c.user_id == (account.id if account else None)
    hashed = connection.scalar(select(passwords.c.hash).where(mine))
    try:
        _HASHER.verify(hashed or _NOBODYS, password)  # the same work whether there is one or not
    except (VerifyMismatchError, InvalidHashError):
        return False
    if hashed and _HASHER.check_needs_rehash(hashed):
        connection.execute(passwords.update().where(mine).values(hash=_HASHER.hash(password)))
    return account is not None and hashed is not None and not account.is_external


_NOBODYS = _HASHER.hash(secrets.token_hex())
