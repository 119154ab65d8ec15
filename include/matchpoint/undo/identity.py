"""Identifiers that come back: who has taken one meanwhile, and who hands one to whom within the same undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key


def keys_of(user: User) -> set[str]:
    """Give the identifiers of a user, case-folded."""
    return {key(value) for _, value in identifiers_of(user)}


def has_twice(user: User) -> bool:
    """Tell whether a user has one identifier twice."""
    return len(keys_of(user)) < len(identifiers_of(user))


@dataclass(frozen=True)
class Move:
    """Identifiers that a user takes again, and those that it gives up, case-folded."""

    user_id: int
    taken: set[str]
    given: set[str]

    @classmethod
    def of(cls, user_id: int, before: User, after: User) -> Move:
        """Compare a user before and after; one that is not there has none."""
        old, new = (keys_of(one) if one else set() for one in (before, after))
        return cls(user_id, new - old, old - new)


@dataclass
class Exchange:
    """Identifiers that are free again because of the same undo: of users who go, and given up by others."""

    gone: set[int] = field(default_factory=set)
    given: set[str] = field(default_factory=set)


def possible(moves: Sequence[Move], held: Mapping[str, int], exchange: Exchange) -> dict[int, int]:
    """Tell which moves can be made, each with the number of its group: those that need one another share it.

    A move is possible when everything it takes is free, or is given up by a user who goes, by an exchange or by
    another possible move.
    """
    live = {one.user_id: one for one in moves}
    while True:
        refused = [one for one in live.values() if not _is_free(one, held, live, exchange)]
        if not refused:
            break
        for one in refused:
            del live[one.user_id]
    group = {user_id: user_id for user_id in live}

    def root(user_id: int) -> int:
        while group[user_id] != user_id:
            group[user_id] = group[group[user_id]]
            user_id = group[user_id]
        return user_id

    for one in live.values():
        for wanted in one.taken:
            if (holder := held.get(wanted, one.user_id)) in live:
                group[root(one.user_id)] = root(holder)
    return {user_id: root(user_id) for user_id in live}


def _is_free(move: Move, held: Mapping[str, int], live: Mapping[int, Move], exchange: Exchange) -> bool:
    for wanted in move.taken:
        holder = held.get(wanted)
        if holder is None or holder == move.user_id or holder in exchange.gone or wanted in exchange.given:
            continue
        if holder not in live or wanted not in live[holder].given:
            return False
    return True
