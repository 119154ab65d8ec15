"""Matching: what is to become of one row, given who in the store holds its identifiers. Decides, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.alma.identifiers import key
from matchpoint.outcomes import Outcome
from matchpoint.profile import Mode, Profile, SynchronizeAction

Identifiers = Sequence[tuple[str, str]]
"""All identifiers of a row as (type, value)."""


@dataclass(frozen=True)
class Hit:
    """A user of the store who holds one of a row's identifiers.

    ``id_type`` is the type under which the *user* holds the value. ``changed_since`` tells that somebody else
    changed the user after this run first met its extracts, ``settled`` that an earlier row of the feed is
    already about this user, ``primary_id`` who it is, for the one who mends the row. ``facets`` are the profiles
    that share the user, none when it is in one only.
    """

    id_type: str
    value_key: str
    user_id: int
    version: int
    account_type: str
    external_id: str | None
    changed_since: bool = False
    settled: bool = False
    primary_id: str = ""
    facets: frozenset[str] = frozenset()

    @property
    def holder(self) -> str:
        """Say whom to look at."""
        owner = f", profile {self.external_id}" if self.external_id else ""
        return f"{self.primary_id or 'a user'} ({self.account_type}{owner})"


@dataclass(frozen=True)
class Rules:
    """The part of a profile that matching asks for."""

    mode: Mode
    profile_code: str
    match_points: Sequence[str] = ()
    unmatched: Literal["create", "skip"] = "create"
    foreign: Literal["conflict", "take_over", "share"] = "conflict"
    sharing: frozenset[str] = frozenset()

    def shares_with(self, hit: Hit) -> bool:
        """Tell whether the user of a hit is, or is to be, in several profiles of which this is one.

        It is from then on, whatever ``foreign`` says: else the profiles would take the user from each other.
        """
        if self.profile_code in hit.facets:
            return True
        is_other = hit.external_id != self.profile_code
        return is_other and self.foreign == "share" and hit.external_id in self.sharing

    @classmethod
    def of(cls, profile: Profile, mode: Mode) -> Rules:
        """Take the rules of one mode from a profile."""
        action = profile.actions.synchronize
        if mode == "import" or not isinstance(action, SynchronizeAction):
            return cls(mode, profile.code)
        sharing = profile.affiliation.profiles if profile.affiliation else frozenset()
        return cls(mode, profile.code, action.match_points, action.unmatched, action.foreign, sharing)


@dataclass(frozen=True)
class Decision:
    """An outcome so far.

    UPDATED means: compare with the user of ``hit``, it may yet be unchanged. For a row that is refused ``hit`` is the
    user to look at.
    """

    outcome: Outcome
    code: str | None = None
    field: str | None = None
    detail: str = ""
    hit: Hit | None = None


@dataclass
class Claims:
    """What earlier rows of the same feed already took: the first of two wins, as in Alma.

    Only the identifiers of rows that share one with another need to be told.
    """

    taken: set[str] = field(default_factory=set)
    users: set[int] = field(default_factory=set)

    def settle(self, decision: Decision, identifiers: Identifiers) -> Decision:
        """Let a row that is to be loaded claim its identifiers and its user, or reject it."""
        if decision.outcome not in {Outcome.CREATED, Outcome.UPDATED}:
            return decision
        for id_type, value in identifiers:
            if key(value) in self.taken:
                return _taken("taken_in_feed", id_type, value)
        if decision.hit and (decision.hit.settled or decision.hit.user_id in self.users):
            return _taken("taken_in_feed", decision.hit.id_type, decision.hit.value_key)
        self.claim(identifiers, decision.hit.user_id if decision.hit else None)
        return decision

    def claim(self, identifiers: Identifiers, user_id: int | None) -> None:
        """Take a row's identifiers and its user."""
        self.taken.update(key(value) for _, value in identifiers)
        if user_id is not None:
            self.users.add(user_id)


_CREATED = Decision(Outcome.CREATED)


def decide(identifiers: Identifiers, hits: Sequence[Hit], rules: Rules) -> Decision:
    """Decide about one row.

    Import looks for no match: a row is created, or rejected when one of its identifiers is taken. Synchronize
    goes by the match points in order: no hit is created or skipped, a hit on an EXTERNAL user of this profile is
    compared, on an INTERNAL one rejected ("User is not external"), hits on two users are a conflict. A user of
    another profile is a conflict, too, unless the profile takes over such users, or shares them with the other.
    """
    if rules.mode == "import":
        return (_reject_taken(identifiers, hits) if hits else None) or _CREATED
    if not any(id_type in rules.match_points for id_type, _ in identifiers):
        wanted = " or ".join(rules.match_points)
        return Decision(Outcome.REJECTED, "match_point_missing", wanted, f"expected a value for {wanted}")
    matched = _matched(identifiers, hits, rules.match_points) if hits else []
    if not matched:
        if rules.unmatched == "skip":
            return Decision(Outcome.SKIPPED, "no_match")
        return (_reject_taken(identifiers, hits) if hits else None) or _CREATED
    first, others = matched[0], [hit for hit in hits if hit.user_id != matched[0].user_id]
    if any(hit.user_id != first.user_id for hit in matched):
        types = ", ".join(dict.fromkeys(hit.id_type for hit in matched))
        holders = " and ".join(dict.fromkeys(hit.holder for hit in matched))
        detail = f"{holders}; merge the two users, or mend the row"
        return Decision(Outcome.CONFLICT, "two_matches", types, detail, first)
    return _refuse(first, rules) or _reject_taken(identifiers, others) or Decision(Outcome.UPDATED, hit=first)


def _matched(identifiers: Identifiers, hits: Sequence[Hit], match_points: Sequence[str]) -> list[Hit]:
    found = []
    for match_point in match_points:
        wanted = {key(value) for id_type, value in identifiers if id_type == match_point}
        found += [hit for hit in hits if hit.id_type == match_point and hit.value_key in wanted]
    return found


def _refuse(hit: Hit, rules: Rules) -> Decision | None:
    if hit.account_type != "EXTERNAL":
        detail = f"{hit.holder}; convert the user to external first"
        return Decision(Outcome.REJECTED, "not_external", "account_type", detail, hit)
    if hit.external_id != rules.profile_code and rules.foreign != "take_over" and not rules.shares_with(hit):
        detail = f"found {hit.holder}; expected profile {rules.profile_code}"
        return Decision(Outcome.CONFLICT, "other_profile", "external_id", detail, hit)
    if hit.changed_since:
        return Decision(Outcome.CONFLICT, "changed_after_run", None, "start a new run", hit)
    return None


def _reject_taken(identifiers: Identifiers, hits: Sequence[Hit]) -> Decision | None:
    held = {hit.value_key: hit for hit in hits}
    for id_type, value in identifiers:
        if key(value) in held:
            return _taken("taken", id_type, value, held[key(value)])
    return None


def _taken(code: str, id_type: str, value: str, by: Hit | None = None) -> Decision:
    place = PRIMARY_ID if id_type == PRIMARY_ID else IDENTIFIERS.name
    look_at = f"; look at {by.holder}" if by else ""
    detail = f"identifier of type {id_type} and value {value}{look_at}"
    return Decision(Outcome.REJECTED, code, place, detail, by)
