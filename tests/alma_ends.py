"""Both ends of a delivery compared: the user store that delivers, and the store of the Alma double."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Engine, select

from matchpoint.deliver.comparable import comparable
from matchpoint.deliver.swap import of_the_sis
from matchpoint.store.tables import users


def differences(store: Engine, double: Engine, profile: str) -> list[str]:
    """Tell what of a profile's users is not in the double as in the store, one line each; [] when both are equal.

    What the library owns in Alma (roles, Internal segments) is no difference; a person who is there twice is.
    """
    ours, theirs = _users(store, profile), _users(double, profile)
    twice = [
        one for users in (ours, theirs) for one, number in Counter(one for one, _ in users).items() if number > 1
    ]
    mine, yours = dict(ours), dict(theirs)
    told = [f"{one}: twice" for one in twice]
    told += [f"{one}: not in Alma" for one in sorted(mine.keys() - yours.keys())]
    told += [f"{one}: only in Alma" for one in sorted(yours.keys() - mine.keys())]
    for one in sorted(mine.keys() & yours.keys()):
        names = mine[one].keys() | yours[one].keys()
        fields = sorted(name for name in names if mine[one].get(name) != yours[one].get(name))
        told += [f"{one}: {', '.join(fields)}"] if fields else []
    return told


def _users(engine: Engine, profile: str) -> list[tuple[str, dict[str, object]]]:
    query = select(users.c.primary_id, users.c.document).where(users.c.external_id == profile)
    with engine.connect() as connection:
        return [(one.casefold(), comparable(of_the_sis(document))) for one, document in connection.execute(query)]
