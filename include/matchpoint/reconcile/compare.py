"""Some users of Alma compared with the users of a profile in the store, a lot in a few queries.

A user is found as a delivery finds it: by the primary id, else by the profile's match points. What counts as equal
is what a delivery would not send (see :mod:`matchpoint.deliver.swap`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.deliver.decide import FOREIGN, INTERNAL, KEPT_OUT, Person, Refused, decide
from matchpoint.deliver.outbox import Due
from matchpoint.deliver.swap import swap
from matchpoint.profile import Profile
from matchpoint.store.bulk import among
from matchpoint.store.history import users_at
from matchpoint.store.tables import identifiers, users

KINDS = {
    "same": "the same",
    "differs": "different in Alma",
    "missing": "here, but not in Alma",
    "only_in_alma": "in Alma under this profile, but not here",
    "internal": "internal in Alma",
    "other_profile": "of another profile in Alma",
    "duplicate": "twice, by their identifiers",
    "kept_out": "kept out by a note NOSYNC in Alma",
}
"""What a reconcile finds, in the words of the report. Only ``differs`` and ``missing`` are repaired."""
_REFUSED = {KEPT_OUT: "kept_out", INTERNAL: "internal", FOREIGN: "other_profile"}


@dataclass(frozen=True, slots=True)
class Met:
    """A user of Alma: what was found, its primary id there, and the user of the store with the version compared.

    ``fields`` are those that differ; ``user_id`` and ``version`` are None where the store has no such user.
    """

    kind: str
    primary_id: str
    user_id: int | None = None
    version: int | None = None
    fields: tuple[str, ...] = ()


def compare(connection: Connection, profile: Profile, lot: Sequence[User]) -> Iterator[Met]:
    """Compare some users of Alma; whoever is neither of the profile nor known to it is left out.

    One of Alma's who has the identifiers of several users of the store is met once with each of them.
    """
    synchronize = profile.actions.synchronize
    points = {PRIMARY_ID, *(synchronize.match_points if synchronize else ())}
    held = [[(one, key(value)) for one, value in identifiers_of(user) if one in points] for user in lot]
    holders = _holders(connection, profile.code, {one for some in held for one in some})
    people = _people(connection, sorted({*holders.values()}))
    for user, some in zip(lot, held, strict=True):
        hits = list(dict.fromkeys(holders[one] for one in some if one in holders))
        if not hits and user.get("external_id") == profile.code and not _is_internal(user):
            yield Met("only_in_alma", user.get(PRIMARY_ID, ""))
        for hit in hits:
            met = _met(people[hit], user, profile.code)
            yield met if len(hits) == 1 else replace(met, kind="duplicate", fields=())


def _is_internal(user: User) -> bool:
    return bool(user.get("account_type", {}).get("value") == "INTERNAL")


def _holders(connection: Connection, profile: str, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Tell which of the profile's users holds an identifier, by type and case-folded value."""
    query = (
        select(identifiers.c.id_type, identifiers.c.value_key, identifiers.c.user_id)
        .join(users, users.c.id == identifiers.c.user_id)
        .where(among(connection, identifiers.c.value_key, {value for _, value in wanted}))
        .where(users.c.external_id == profile)
    )
    found = ((id_type, value, user_id) for id_type, value, user_id in connection.execute(query))
    return {(id_type, value): user_id for id_type, value, user_id in found if (id_type, value) in wanted}


def _people(connection: Connection, user_ids: Sequence[int]) -> Mapping[int, Person]:
    """Give users with what Alma was given of them last."""
    columns = (users.c.id, users.c.version, users.c.delivered_version, users.c.document, users.c.protected)
    found = connection.execute(select(*columns).where(among(connection, users.c.id, user_ids)))
    dues = [Due(*row[:4], frozenset(row.protected)) for row in found]
    older = {one.user_id: one.delivered_version for one in dues if 0 < one.delivered_version != one.version}
    before = users_at(connection, older) if older else {}
    return {
        one.user_id: Person(one, one.document if one.delivered_version == one.version else before.get(one.user_id))
        for one in dues
    }


def _met(person: Person, alma: User, profile: str) -> Met:
    step = decide(person, alma, profile)
    due = person.due
    met = Met("same", alma[PRIMARY_ID], due.user_id, due.version)
    if step is None:
        return met
    if isinstance(step, Refused):
        return replace(met, kind=_REFUSED[step.code])
    made = swap(due.document, alma, profile, protected=due.protected, delivered=person.delivered)
    return replace(met, kind="differs", fields=tuple(sorted(made.changes)))
