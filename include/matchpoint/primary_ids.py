"""Primary ids for new users to whom the SIS gives none: first and last name, then with a number, as Alma does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from sqlalchemy import Connection

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import generated_id, key
from matchpoint.hashes import Hashes, hashes_of
from matchpoint.store.lookup import held_in_store


class PrimaryIds:
    """Gives out primary ids that neither the store nor the feed has, each once in a run.

    ``in_feed`` are the hashes of all identifiers of the feed, case-folded, in order.
    """

    def __init__(self, connection: Connection, in_feed: Hashes) -> None:
        self._connection = connection
        self._in_feed = in_feed
        self._candidates: dict[str, Iterator[str]] = {}

    def give(self, users: Sequence[User]) -> list[str]:
        """Give a primary id to each user: the name alone if it is free, else with a free number, from 0 on."""
        given = [""] * len(users)
        while waiting := [place for place, one in enumerate(given) if not one]:
            tried = {place: next(self._of(users[place])) for place in waiting}
            held = self._held([key(one) for one in tried.values()])
            for place, candidate in tried.items():
                given[place] = "" if key(candidate) in held else candidate
        return given

    def _held(self, keys: list[str]) -> set[str]:
        in_feed = np.isin(hashes_of(one.encode() for one in keys), self._in_feed).tolist()
        here = {one for one, there in zip(keys, in_feed, strict=True) if there}
        return here | held_in_store(self._connection, keys)

    def _of(self, user: User) -> Iterator[str]:
        """Give the candidates for a name, going on where an earlier user of that name stopped."""
        name = generated_id(user)
        return self._candidates.setdefault(key(name), _sequence(name))


def _sequence(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}{number}" for number in count())
