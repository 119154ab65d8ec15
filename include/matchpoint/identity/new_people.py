"""The new people of one feed: two rows of it may be one person, before the store knows either."""

from __future__ import annotations

from matchpoint.identity.keys import TOO_MANY, telling_keys
from matchpoint.identity.score import Person, score
from matchpoint.profile.identity import Identity


class NewPeople:
    """Remembers those who are to be created in this run. ``identity`` says what tells two people apart."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._by_key: dict[int, list[Person]] = {}

    def knows(self, person: Person) -> bool:
        """Tell whether an earlier one is at least likely the same."""
        some = (self._by_key.get(key, ()) for key in telling_keys(person, self._identity))
        others = {id(other): other for found in some for other in found}
        return any(score(person, other)[0] >= self._identity.likely for other in others.values())

    def add(self, person: Person) -> None:
        """Remember one."""
        for key in telling_keys(person, self._identity):
            some = self._by_key.setdefault(key, [])
            if len(some) < TOO_MANY:
                some.append(person)
