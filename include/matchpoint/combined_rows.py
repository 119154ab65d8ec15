"""Several rows of one feed about one person, a student's and an employee's, as one user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import orjson
import pyarrow as pa

from matchpoint.affiliations import Facet, combine, group_of, said
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import key
from matchpoint.feed import Feed
from matchpoint.matching import Decision, Identifiers, Rules
from matchpoint.outcomes import Outcome
from matchpoint.profile import Profile
from matchpoint.standing import Mask

COMBINED = Decision(Outcome.SKIPPED, "combined")
_REFUSED = frozenset({Outcome.REJECTED, Outcome.CONFLICT})


@dataclass
class CombinedRows:
    """The users that are made of several rows, by the position of the first, and by each other row that first one."""

    users: Mapping[int, User] = field(default_factory=dict)
    first: Mapping[int, int] = field(default_factory=dict)
    refused: dict[int, Decision] = field(default_factory=dict)

    def note(self, position: int, decision: Decision) -> None:
        """Note what is decided about a row: those that go along with it share a refusal."""
        if position in self.users and decision.outcome in _REFUSED:
            self.refused[position] = decision

    def decide(self, position: int) -> Decision:
        """Decide about a row that goes along with another, which has been decided about."""
        return self.refused.get(self.first[position], COMBINED)


def combine_rows(feed: Feed, contested: Mask, profile: Profile, rules: Rules, as_of: date) -> CombinedRows:
    """Find the rows of a feed that are about one person, where the profile combines them, and make its user.

    They are about one person when the first match point for which each has a value is the same. ``contested`` tells
    by position which rows share an identifier with another one.
    """
    if not (profile.affiliation and profile.affiliation.combine_rows and contested.any()):
        return CombinedRows()
    action = profile.actions.synchronize
    points = rules.match_points or (action.match_points if action else [PRIMARY_ID])
    rows: dict[tuple[str, str], list[tuple[int, User]]] = defaultdict(list)
    for position, identifiers, text in _contested(feed, contested):
        if person := _person(identifiers, points):
            rows[person].append((position, orjson.loads(text.as_py())))
    several = [some for some in rows.values() if len(some) > 1]
    users = {some[0][0]: _user([user for _, user in some], profile, as_of) for some in several}
    return CombinedRows(users, {position: some[0][0] for some in several for position, _ in some[1:]})


def _contested(feed: Feed, contested: Mask) -> Iterator[tuple[int, Identifiers, pa.Scalar]]:
    for first, _, batch in feed.batches(["identifiers", "user"]):
        for place in contested[first : first + batch.num_rows].nonzero()[0].tolist():
            yield first + place, orjson.loads(batch["identifiers"][place].as_py()), batch["user"][place]


def _person(identifiers: Identifiers, points: Sequence[str]) -> tuple[str, str] | None:
    """Give the first match point that a row has, with its value."""
    for point in points:
        for id_type, value in identifiers:
            if id_type == point:
                return point, key(value)
    return None


def _user(rows: Sequence[User], profile: Profile, as_of: date) -> User:
    """Make one user of what several rows, in their order, say of it."""
    table = profile.affiliation
    facets = [Facet(profile.code, table.rank(profile.code, group_of(one)) if table else 0, said(one)) for one in rows]
    own = {name: value for name, value in rows[0].items() if name not in said(rows[0])}
    return {**own, **combine(facets, as_of)}
