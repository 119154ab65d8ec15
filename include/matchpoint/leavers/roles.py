"""What else the absent people of a profile are: who has another role is handed over to it, and is no leaver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from sqlalchemy import Connection

from matchpoint.affiliations import Facet, in_order, without
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.hashes import Hashes
from matchpoint.profile import Profile
from matchpoint.store.absences import profile_users
from matchpoint.store.affiliations import (
    HandOver,
    all_shared,
    are_any,
    as_text,
    facets_of,
    hand_over,
    hand_over_ended,
    members,
    shared_with_others,
)
from matchpoint.store.lookup import holders_of


@dataclass(frozen=True)
class Share:
    """What becomes of a person who is in several profiles, and is absent from one of them.

    ``user`` is the user before and after: where there is a next role (``goes_on``), as that makes it; else as the
    roles make it on the day, for a step to be taken. ``facets`` is what is then left of facets. ``is_taken`` tells
    that somebody else holds an identifier that the user would get.
    """

    user: HandOver
    facets: str
    goes_on: bool
    is_taken: bool


class Roles:
    """The people of a profile, and their other roles. Where nobody is shared it asks for that, and for no more."""

    def __init__(self, connection: Connection, profile: Profile, as_of: date) -> None:
        self._connection = connection
        self._code = profile.code
        self._as_of = as_of
        action = profile.actions.synchronize
        self._empty_special: Literal["keep", "clear"] = action.empty_special if action else "keep"
        has_facets = are_any(connection)
        self._members = members(connection, self._code) if has_facets else np.array([], dtype=np.int64)
        owned = profile_users(connection, self._code)
        alone = owned[~np.isin(owned, all_shared(connection))] if has_facets else owned
        self.people: Hashes = np.union1d(alone, self._members) if has_facets else owned

    def lasting(self, user_ids: Hashes) -> Hashes:
        """Give those of some users who have a role in another profile that has not ended."""
        shared = user_ids[np.isin(user_ids, self._members)].tolist()
        found = shared_with_others(self._connection, self._code, shared, self._as_of) if shared else ()
        return np.fromiter(found, dtype=np.int64)

    def shares(self, user_ids: Sequence[int]) -> dict[int, Share]:
        """Tell of those of some users who are shared what becomes of them."""
        some = np.array(user_ids, dtype=np.int64)
        held = facets_of(self._connection, some[np.isin(some, self._members)].tolist())
        going = {user_id for user_id, facets in held.items() if self._goes_on(facets)}
        how = (self._as_of, self._empty_special)
        users = hand_over(self._connection, self._code, list(going), *how)
        users |= hand_over_ended(self._connection, list(held.keys() - going), *how)
        taken = self._taken(users.values())
        return {
            one: Share(user, user.facets if one in going else as_text(held[one], []), one in going, one in taken)
            for one, user in users.items()
        }

    def _goes_on(self, facets: Sequence[Facet]) -> bool:
        """Tell whether another role lasts, or, when all have ended, was the last: then nothing is taken away."""
        lasts = any(one.lasts(self._as_of) for one in without(facets, self._code))
        return lasts or in_order(facets, self._as_of)[0].profile != self._code

    def _taken(self, handed: Iterable[HandOver]) -> set[int]:
        """Tell who would get an identifier that somebody else holds."""
        wanted: dict[str, int] = {}
        for one in handed:
            before, after = ({key(value) for _, value in identifiers_of(user)} for user in (one.before, one.after))
            wanted |= dict.fromkeys(after - before, one.user_id)
        found = holders_of(self._connection, wanted)
        return {wanted[value] for value, user_id in found.items() if user_id != wanted[value]}
