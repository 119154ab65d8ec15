"""Reviewing the rows of a plan that would make new users: is one of them known under another identity?

Set-based, a batch of rows at a time. Nothing is written; what is found goes into the run folder, and with the plan
into the store (:mod:`matchpoint.identity.proposals`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, func, select

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import as_before
from matchpoint.feed import Staged
from matchpoint.hashes import hash_of
from matchpoint.identity.keys import holders, keys_of, telling_keys
from matchpoint.identity.new_people import NewPeople
from matchpoint.identity.proposals import Found, answered, kind_of
from matchpoint.identity.score import Person, score
from matchpoint.matching import Decision, Hit, Identifiers, Rules
from matchpoint.outcomes import Outcome
from matchpoint.profile import Profile
from matchpoint.standing import Standing
from matchpoint.store.bulk import among
from matchpoint.store.lookup import changes_of
from matchpoint.store.tables import users

Decisions = dict[int, Decision]


class Reviewer:
    """Finds proposals for one run. ``found`` are those made, ``seen`` the rows that came and may have open ones."""

    def __init__(
        self, connection: Connection, profile: Profile, rules: Rules, run_id: str, standing: Standing
    ) -> None:
        self._connection = connection
        self._identity = profile.identity
        self._rules = rules
        self._run_id = run_id
        self._done = standing.done
        self._is_on = rules.mode == "synchronize" and profile.identity.review and self._has_others(standing)
        self._looks = self._is_on and profile.identity.looks_around
        self._declined, self._open = answered(connection, profile.code) if self._is_on else (set(), set())
        self._new = NewPeople(profile.identity)
        self._renamed = self._as_they_were() if self._looks else {}
        self._persons: dict[int, Person] = {}
        self._waiting: dict[int, Found] = {}
        self.found: list[Found] = []
        self.seen: set[int] = set()

    def _has_others(self, standing: Standing) -> bool:
        """Tell whether the store has users that this run has not made: a first load looks for nobody."""
        mine = sum(one.outcome == Outcome.CREATED for one in standing.done.values())
        if not standing.lookup.has_users or not mine:
            return standing.lookup.has_users
        return (self._connection.scalar(select(func.count()).select_from(users)) or 0) > mine

    def _as_they_were(self) -> dict[int, list[int]]:
        """Give by key the users whom an earlier try of this run has changed: they are found as it found them."""
        found: dict[int, list[int]] = {}
        updated = {one.user_id for one in self._done.values() if one.outcome == Outcome.UPDATED}
        for user_id, (_, user) in self._users(updated).items():
            for one in keys_of(user):
                found.setdefault(one, []).append(user_id)
        return found

    # --- before the rows of a batch are settled ---------------------------------------------------

    def look(
        self,
        rows: Sequence[Staged],
        decisions: Decisions,
        identifiers: Mapping[int, Identifiers],
        user_of: Callable[[Staged], User],
    ) -> None:
        """Look at the rows of a batch; one that would make a second user of somebody becomes a conflict."""
        if not self._is_on:
            return
        asked = {row.position: row for row in rows if self._is_asked(decisions[row.position])}
        if self._open:
            self.seen |= {self._key(identifiers[row.position]) for row in rows} & self._open
        incoming = {position: user_of(row) for position, row in asked.items()}
        self._persons = {position: Person.of(user) for position, user in incoming.items()}
        self._waiting = {}
        known = self._known(decisions)
        for position, user in incoming.items():
            row_key = self._key(identifiers[position])
            some = [one for one in known.get(position, ()) if (row_key, one[0].user_id) not in self._declined]
            best = max(some, key=lambda one: (one[1], -one[0].user_id), default=None)
            if best and best[1] >= self._identity.likely:
                hit, confidence, reasons, existing = best
                decisions[position] = self._decide(decisions[position], hit, confidence)
                self._waiting[position] = Found(
                    kind=kind_of(user, existing, reasons),
                    confidence=confidence,
                    reasons=reasons,
                    outcome=str(decisions[position].outcome),
                    user_id=hit.user_id,
                    incoming=user,
                    incoming_key=row_key,
                    match_point=self._match_point(identifiers[position])[0],
                )

    def _is_asked(self, decision: Decision) -> bool:
        if decision.outcome is Outcome.CREATED:
            return self._looks
        return decision.code == "taken" and decision.hit is not None and self._identity.tells(decision.hit.id_type)

    def _decide(self, decision: Decision, hit: Hit, confidence: float) -> Decision:
        if decision.outcome is not Outcome.CREATED or confidence < self._identity.strong:
            return decision
        detail = f"look at {hit.holder}, confidence {confidence:.2f}"
        return Decision(Outcome.CONFLICT, "known_person", None, detail, hit)

    def _known(self, decisions: Decisions) -> dict[int, list[tuple[Hit, float, list[str], User]]]:
        """Give by row the users of the store who may be its person, each with confidence, reasons and record."""
        taken = {position: hit for position in self._persons if (hit := decisions[position].hit)}
        keys = {
            position: telling_keys(one, self._identity)
            for position, one in self._persons.items()
            if position not in taken
        }
        by_key = (
            holders(self._connection, {one for some in keys.values() for one in some}) if any(keys.values()) else {}
        )
        ids = {
            position: {user for one in some for user in (*by_key.get(one, ()), *self._renamed.get(one, ()))}
            for position, some in keys.items()
        }
        ids |= {position: {hit.user_id} for position, hit in taken.items()}
        there = self._users({user for some in ids.values() for user in some})
        persons = {user_id: Person.of(user) for user_id, (_, user) in there.items()}
        return {
            position: [
                (there[user_id][0], *score(self._persons[position], persons[user_id]), there[user_id][1])
                for user_id in some
                if user_id in there
            ]
            for position, some in ids.items()
        }

    def _users(self, user_ids: set[int]) -> dict[int, tuple[Hit, User]]:
        """Give users as they were before this run, and none that it made."""
        if not user_ids:
            return {}
        outcomes = {one.user_id: one.outcome for one in self._done.values() if one.user_id in user_ids}
        columns = (users.c.version, users.c.account_type, users.c.external_id, users.c.primary_id, users.c.document)
        wanted = [one for one in user_ids if outcomes.get(one) != Outcome.CREATED]
        query = select(users.c.id, *columns).where(among(self._connection, users.c.id, wanted))
        updated = [one for one, outcome in outcomes.items() if outcome == Outcome.UPDATED]
        changed = changes_of(self._connection, self._run_id, updated) if updated else {}
        found = {}
        for user_id, version, account_type, external_id, primary_id, document in self._connection.execute(query):
            hit = Hit("", "", user_id, version, account_type, external_id, primary_id=primary_id)
            before = {name: pair[0] for name, pair in changed.get(user_id, {}).items()}
            found[user_id] = (hit, as_before(document, before) if before else document)
        return found

    # --- while they are settled -------------------------------------------------------------------

    def among_new(self, position: int, decision: Decision) -> Decision:
        """Hold a row back that looks like another new person of this feed: the next run compares it with that one."""
        if not self._looks or decision.outcome is not Outcome.CREATED:
            return decision
        if not self._new.knows(self._persons[position]):
            return decision
        return Decision(Outcome.CONFLICT, "known_person_in_feed", None, "the first of the two is taken")

    def settled(self, position: int, decision: Decision) -> Decision:
        """Take note of how a row was settled, and give that back."""
        waiting = self._waiting.get(position)
        if waiting and waiting.outcome == decision.outcome:
            self.found.append(waiting)
        if self._looks and decision.outcome is Outcome.CREATED:
            self._new.add(self._persons[position])
        return decision

    def done(self, row: Staged, user_of: Callable[[Staged], User]) -> None:
        """Take note of a row that this run applied before."""
        if self._looks and self._done[row.position].outcome == Outcome.CREATED:
            self._new.add(Person.of(user_of(row)))

    def _match_point(self, identifiers: Identifiers) -> tuple[str, str]:
        held = dict(reversed(identifiers))
        return next((one, key(held[one])) for one in self._rules.match_points if one in held)

    def _key(self, identifiers: Identifiers) -> int:
        try:
            told = "\n".join(self._match_point(identifiers))
        except StopIteration:  # it is rejected for that
            return 0
        return hash_of(told)
