"""Meeting a user who is in several profiles: the row becomes its profile's facet, the user what all facets say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from matchpoint.affiliations import Facet, group_of, said, said_before, synchronize_shared
from matchpoint.alma.fields import User
from matchpoint.alma.law import synchronize
from matchpoint.matching import Hit, Rules
from matchpoint.profile import Profile
from matchpoint.store.affiliations import as_text, facets_of


@dataclass(frozen=True)
class Meeting:
    """A user before and after a row met it.

    ``facets`` is what the row leaves of facets, for :attr:`matchpoint.plan.PlanRow.facets`.
    """

    before: User
    after: User
    facets: str | None = None


@dataclass(frozen=True)
class Incoming:
    """What the feed says of a user, and the hashes of its row; None when it is no one row, and met each time."""

    user: User
    row_hash: int | None = None
    user_hash: int | None = None


class Sharing:
    """Lets rows of one profile meet users, each by the law for it: of one profile, of several, or taken over."""

    def __init__(self, profile: Profile, rules: Rules, run_id: str, as_of: date) -> None:
        self._table = profile.affiliation
        self._rules = rules
        self._run_id = run_id
        self._as_of = as_of
        action = profile.actions.synchronize
        self._how: dict[str, Any] = {"empty_special": action.empty_special} if action else {}

    def held(self, connection: Connection, hits: Sequence[Hit]) -> Mapping[int, list[Facet]]:
        """Give the facets of the users of some hits."""
        return facets_of(connection, [hit.user_id for hit in hits if hit.facets])

    def meet(
        self, mine: Incoming, hit: Hit, existing: tuple[User, dict[str, Any]], held: Sequence[Facet] = ()
    ) -> Meeting:
        """Let a row meet its user; ``existing`` is the document and its protected fields, ``held`` its facets."""
        before, protected = existing
        if not self._rules.shares_with(hit):
            code = self._rules.profile_code
            after = synchronize(before, mine.user, profile_code=code, protected=protected, **self._how)
            return Meeting(before, after, as_text(held, []) if held or mine.user_hash is None else None)
        given = self._facets(mine, hit, existing, held)
        after = synchronize_shared(before, given, self._as_of, protected=protected, **self._how)
        return Meeting(before, after, as_text(held, given))

    def _facets(
        self, incoming: Incoming, hit: Hit, existing: tuple[User, dict[str, Any]], held: Sequence[Facet]
    ) -> list[Facet]:
        """Give all facets of a user: the row's, and the others; a user who had none was its owner's alone."""
        code = self._rules.profile_code
        ours = next((one for one in held if one.profile == code), None)
        others = [one for one in held if one.profile != code]
        if not held and hit.external_id:
            first = said_before(*existing)
            others = [Facet(hit.external_id, self._rank(hit.external_id, first), first, run_id=self._run_id)]
        user = said(incoming.user)
        rank = ours.rank if ours and self._table is None else self._rank(code, user)
        mine = Facet(code, rank, user, True, self._run_id, incoming.row_hash, incoming.user_hash)
        if ours and (ours.user, ours.rank) == (mine.user, mine.rank):
            mine = replace(mine, active=ours.active, run_id=ours.run_id)
        return sorted((self._dated(one) for one in (*others, mine)), key=lambda one: one.profile)

    def _dated(self, facet: Facet) -> Facet:
        """Note whether the role lasts."""
        lasts = facet.lasts(self._as_of)
        return facet if facet.active == lasts else replace(facet, active=lasts, run_id=self._run_id)

    def _rank(self, profile: str, user: User) -> int:
        return self._table.rank(profile, group_of(user)) if self._table else 0
