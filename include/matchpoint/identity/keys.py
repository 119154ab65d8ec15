"""The keys by which users who may be the same person are found: hashes, so that a night's new people cost one query.

A user has one for each email address, and one for each word of a name together with the birth date. So two are found
when one word of their names is the same, and compared by :mod:`matchpoint.identity.score`. They are made when a
profile first asks for them, from then on with every user who is written; before that nothing keeps or costs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, Engine, delete, func, insert, select, text

from matchpoint.alma.fields import User
from matchpoint.chunks import without_gc
from matchpoint.hashes import hash_of
from matchpoint.identity.score import Person
from matchpoint.profile.identity import Identity
from matchpoint.store.bulk import among, load_rows
from matchpoint.store.engine import exclusive, writing
from matchpoint.store.identity_tables import identity_keys
from matchpoint.store.tables import counters, users

VERSION = 1
"""Grows when a release makes other keys: all are then made anew."""
TOO_MANY = 200
"""So many users of one key say that it stands for nobody: an office's mailbox, 1900-01-01."""
_COUNTER = "identity keys"
_AT_ONCE = 20_000
_COLUMNS = ("user_id", "key")


def email_keys(person: Person) -> list[int]:
    """Give the keys of a person's email addresses."""
    return [hash_of(f"email\n{one}") for one in person.emails]


def name_keys(person: Person) -> list[int]:
    """Give the keys of a person's names with the birth date; none without one."""
    if not person.birth_date:
        return []
    words = {word for name in person.names for part in name for word in part if len(word) > 1}
    return [hash_of(f"{person.birth_date}\n{word}") for word in sorted(words)]


def telling_keys(person: Person, identity: Identity) -> list[int]:
    """Give those keys of a person by which a profile lets others be found."""
    by_email = email_keys(person) if identity.by_email else []
    return by_email + (name_keys(person) if identity.by_name else [])


def keys_of(user: User) -> set[int]:
    """Give all keys of a user."""
    person = Person.of(user)
    return {*email_keys(person), *name_keys(person)}


def are_kept(connection: Connection) -> bool:
    """Tell whether the store has keys, so that whoever writes users must write theirs.

    It is asked after the users are written: keys that are being made wait for that, or are seen here.
    """
    return connection.scalar(select(counters.c.value).where(counters.c.name == _COUNTER)) == VERSION


def note(connection: Connection, written: Iterable[tuple[int, User]]) -> None:
    """Keep the keys of users who are new or changed, where keys are kept; of deleted ones the store drops them."""
    if not are_kept(connection):
        return
    keys = {user_id: keys_of(user) for user_id, user in written}
    connection.execute(delete(identity_keys).where(among(connection, identity_keys.c.user_id, keys)))
    load_rows(connection, identity_keys, _COLUMNS, ((one, key) for one, some in keys.items() for key in sorted(some)))


@without_gc()
def make_keys(engine: Engine) -> None:
    """Make the keys of all users, once; does nothing when they are there."""
    with engine.connect() as connection:
        if are_kept(connection):
            return
    with exclusive(engine), writing(engine).begin() as connection:
        if are_kept(connection):
            return
        if engine.dialect.name == "postgresql":  # who edits a user now waits, and then keeps its keys
            connection.execute(text("LOCK TABLE users IN SHARE MODE"))
        connection.execute(delete(identity_keys))
        for pairs in _all(connection):
            load_rows(connection, identity_keys, _COLUMNS, pairs)
        connection.execute(delete(counters).where(counters.c.name == _COUNTER))
        connection.execute(insert(counters).values(name=_COUNTER, value=VERSION))
        if engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE identity_keys"))


def _all(connection: Connection) -> Iterator[list[tuple[int, int]]]:
    last = -1
    while True:
        query = select(users.c.id, users.c.document).where(users.c.id > last).order_by(users.c.id).limit(_AT_ONCE)
        some = connection.execute(query).all()
        if not some:
            return
        last = some[-1][0]
        yield [(user_id, key) for user_id, user in some for key in sorted(keys_of(user))]


def holders(connection: Connection, keys: Iterable[int]) -> dict[int, list[int]]:
    """Give the users of each key, but not of one that stands for nobody."""
    held = among(connection, identity_keys.c.key, set(keys))
    telling = (
        select(identity_keys.c.key).where(held).group_by(identity_keys.c.key).having(func.count() <= TOO_MANY)
    ).subquery()
    query = select(identity_keys.c.key, identity_keys.c.user_id).join(telling, telling.c.key == identity_keys.c.key)
    found: dict[int, list[int]] = {}
    for key, user_id in connection.execute(query.order_by(identity_keys.c.user_id)):
        found.setdefault(key, []).append(user_id)
    return found
