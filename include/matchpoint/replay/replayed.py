"""What a replay found. Counts and row numbers only: no person's data."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from matchpoint.hashes import Hashes

_EXAMPLES = 5


class Fields:
    """Per field the users who would change, as hashes, and a few row numbers."""

    def __init__(self) -> None:
        self._users: dict[str, array[int]] = {}
        self.examples: dict[str, list[int]] = {}

    def add(self, row: int, user: int, names: Iterable[str]) -> None:
        """Note a row whose user would change."""
        for name in names:
            self._users.setdefault(name, array("q")).append(user)
            if len(some := self.examples.setdefault(name, [])) < _EXAMPLES:
                some.append(row)

    def users(self) -> dict[str, Hashes]:
        """Give the users who would change by field, each once."""
        return {name: np.unique(np.frombuffer(users, dtype=np.int64)) for name, users in self._users.items()}

    def counts(self) -> dict[str, int]:
        """Give how many users would change by field, the most first."""
        return counts_of([self])


def counts_of(some: Sequence[Fields]) -> dict[str, int]:
    """Give how many users would change by field, each counted once, the most first."""
    by_name: dict[str, list[Hashes]] = {}
    for one in some:
        for name, users in one.users().items():
            by_name.setdefault(name, []).append(users)
    return dict(
        Counter({name: len(np.unique(np.concatenate(all_of))) for name, all_of in by_name.items()}).most_common()
    )


@dataclass
class Replayed:
    """One extract: ``compared`` rows that went through then and now, and how many of them differ.

    ``lost`` rows went through then and would be rejected now, with the reasons as (field, code); ``won`` the other
    way round. ``not_compared`` are rows of which it is no longer known what they became then. ``error`` says why the
    extract cannot be read now.
    """

    run: str
    extract: str
    as_of: str
    compared: int = 0
    changed: int = 0
    lost: int = 0
    won: int = 0
    not_compared: int = 0
    fields: Fields = field(default_factory=Fields)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "run": self.run,
            "extract": self.extract,
            "as_of": self.as_of,
            "compared": self.compared,
            "changed": self.changed,
            "fields": [
                {"field": name, "users": users, "rows": self.fields.examples[name]}
                for name, users in self.fields.counts().items()
            ],
            "rejected_now": self.lost,
            "reasons": [{"field": one, "code": code, "rows": n} for (one, code), n in self.reasons.most_common()],
            "accepted_now": self.won,
            "not_compared": self.not_compared,
            "error": self.error,
        }


@dataclass
class Replay:
    """A replay of one profile: its extracts, the newest run first.

    ``never_read`` are columns of the extracts that the profile does not read, ``never_filled`` places of the mapping
    that no row fills, ``unmapped`` by crosswalk the codes that are not in it with the number of rows; in a crosswalk
    of ``with_default`` they get its default.
    """

    profile: str
    extracts: list[Replayed] = field(default_factory=list)
    never_read: list[str] = field(default_factory=list)
    never_filled: list[str] = field(default_factory=list)
    unmapped: dict[str, Counter[str]] = field(default_factory=dict)
    with_default: set[str] = field(default_factory=set)

    @property
    def fields(self) -> dict[str, int]:
        """How many users would change by field, each counted once over all extracts."""
        return counts_of([one.fields for one in self.extracts])

    @property
    def users(self) -> int:
        """How many users would change at all."""
        some = [users for one in self.extracts for users in one.fields.users().values()]
        return len(np.unique(np.concatenate(some))) if some else 0

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "profile": self.profile,
            "users": self.users,
            "fields": self.fields,
            "extracts": [one.as_dict() for one in self.extracts],
            "never_read": self.never_read,
            "never_filled": self.never_filled,
            "unmapped": {name: dict(codes.most_common()) for name, codes in self.unmapped.items()},
            "with_default": sorted(self.with_default),
        }


def missing(some: Hashes, others: Hashes) -> Hashes:
    """Give the rows that are in the first and not in the second."""
    return np.setdiff1d(some, others, assume_unique=True)
