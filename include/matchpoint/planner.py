"""The planner: turns the rows of a feed into rows of a plan, batch by batch, each by the law and none by a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from sqlalchemy import Connection, select

from matchpoint.alma.check import two_alike
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.alma.law import changes
from matchpoint.canonical import canonical
from matchpoint.combined_rows import CombinedRows, combine_rows
from matchpoint.feed import Feed, Staged
from matchpoint.hashes import Hashes
from matchpoint.identity.review import Reviewer
from matchpoint.matching import Claims, Decision, Hit, Identifiers, Rules, decide
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow
from matchpoint.primary_ids import PrimaryIds
from matchpoint.profile import Profile
from matchpoint.reissue import with_inactive
from matchpoint.sharing import Incoming, Meeting, Sharing
from matchpoint.standing import Standing
from matchpoint.store.affiliations import as_text
from matchpoint.store.bulk import among
from matchpoint.store.lookup import Done, changes_of
from matchpoint.store.tables import users


class Planner:
    """Turns staged users into plan rows, batch by batch.

    What comes of it besides is ``unchanged``, rows by number of the extract that change nothing and are no part of
    the plan, and ``refreshed``, users and the raw rows out of which they came as they were.
    """

    def __init__(
        self, connection: Connection, profile: Profile, rules: Rules, run_id: str, standing: Standing
    ) -> None:
        self.connection = connection
        self.profile = profile
        self.rules = rules
        self.run_id = run_id
        self.standing = standing
        self.sharing = Sharing(profile, rules, run_id, standing.as_of)
        self.combined = CombinedRows()
        self.claims = Claims()
        self.review = Reviewer(connection, profile, rules, run_id, standing)
        self.primary_ids = PrimaryIds(connection, standing.keys)
        self.unchanged = Counter({number: len(known.rows) for number, known in standing.known.items()})
        self.refreshed: list[tuple[Hashes, Hashes]] = []

    def plan(self, feed: Feed) -> Iterator[PlanRow]:
        """Give the plan of a feed, row by row; the rejected ones of the transformation come last."""
        position = -1
        standing = self.standing
        self.combined = combine_rows(feed, standing.contested, self.profile, self.rules, standing.as_of)
        for batch, staged in feed.rows():
            position = batch[-1].position
            users = _Users(batch[0].position, staged, self.combined.users)
            yield from self._batch(self._without_unchanged(batch), users)
        for number, row, code, field, detail in feed.rejected():
            position += 1
            yield PlanRow(position, number, row, Outcome.REJECTED, code, field, detail)

    def _batch(self, batch: list[Staged], users: _Users) -> Iterator[PlanRow]:
        done = {row.position: self.standing.done[row.position] for row in batch if row.position in self.standing.done}
        waiting = [row for row in batch if row.position not in done and row.position not in self.combined.first]
        identifiers = self._identifiers(batch)
        hits = self._hits({row.position: identifiers[row.position] for row in waiting})
        decisions = {
            row.position: decide(identifiers[row.position], hits.get(row.position, ()), self.rules) for row in waiting
        }
        self.review.look(waiting, decisions, identifiers, users.__getitem__)
        met = self._met(waiting, decisions, users)
        for row in batch:
            position = row.position
            ids = identifiers[position] if self.standing.contested[position] else ()
            if position in done:
                self.claims.claim(ids, done[position].user_id)
                self.review.done(row, users.__getitem__)
            elif position in self.combined.first:
                decisions[position] = self.combined.decide(position)
            else:
                refused = _refuse_alike(met[position].after) if position in met else None
                reviewed = self.review.among_new(position, refused or decisions[position])
                decisions[position] = self.review.settled(position, self.claims.settle(reviewed, ids))
                self.combined.note(position, decisions[position])
        named = self._named([row for row in waiting if decisions[row.position].outcome is Outcome.CREATED], users)
        updated = [one.user_id for one in done.values() if one.outcome == Outcome.UPDATED]
        changed = changes_of(self.connection, self.run_id, updated) if updated else {}
        for row in batch:
            position = row.position
            if position in done:
                yield _done(row, done[position], changed.get(done[position].user_id))
            elif decisions[position].outcome is Outcome.CREATED:
                facets = as_text([], []) if position in self.combined.users else None
                yield PlanRow(
                    *_start(row), Outcome.CREATED, document=named.get(position), facets=facets, **_hashes(row)
                )
            else:
                yield _compared(row, decisions[position], met.get(position), self.profile.reissue)

    def _identifiers(self, batch: list[Staged]) -> dict[int, Identifiers]:
        """Read the identifiers of rows. An import into an empty store asks for those of contested rows only."""
        here = [row.position for row in batch if row.position in self.combined.users] if self.combined.users else []
        combined = {position: identifiers_of(self.combined.users[position]) for position in here}
        if self.rules.mode == "synchronize" or self.standing.lookup.has_users:
            return {row.position: orjson.loads(row.identifiers) for row in batch} | combined
        contested = self.standing.contested
        read = {row.position: orjson.loads(row.identifiers) if contested[row.position] else () for row in batch}
        return read | combined

    def _without_unchanged(self, batch: list[Staged]) -> list[Staged]:
        """Count the rows that change nothing, and leave them out."""
        users = self.standing.unchanged[batch[0].position : batch[-1].position + 1]
        if (users < 0).all():
            return batch
        self.unchanged[batch[0].extract.number] += int((users >= 0).sum())
        paired = list(zip(batch, users.tolist(), strict=True))
        raw = [(user, row.row_hash) for row, user in paired if user >= 0 and row.row_hash is not None]
        refreshed = np.array(raw, dtype=np.int64).reshape(-1, 2)
        self.refreshed.append((refreshed[:, 0], refreshed[:, 1]))
        return [row for row, user in paired if user < 0]

    def _hits(self, identifiers: Mapping[int, Identifiers]) -> dict[int, list[Hit]]:
        """Give by position the users who hold identifiers of the row."""
        if not self.standing.lookup.has_users:
            return {}
        by_key = self.standing.lookup.hits({key(value) for some in identifiers.values() for _, value in some})
        return {
            position: [hit for _, value in some for hit in by_key.get(key(value), ())]
            for position, some in identifiers.items()
        }

    def _named(self, rows: list[Staged], users: _Users) -> dict[int, str]:
        """Give the new users who are not as staged, as JSON by position: one without primary id is given one."""
        combined = {row.position: users[row] for row in rows if row.position in users.combined}
        nameless = {row.position: users[row] for row in rows if not row.identifiers.startswith(_HAS_PRIMARY_ID)}
        nameless = {position: user for position, user in nameless.items() if PRIMARY_ID not in user}
        given = self.primary_ids.give(list(nameless.values()))
        return {position: canonical(user) for position, user in combined.items()} | {
            position: canonical({**user, PRIMARY_ID: primary_id})
            for (position, user), primary_id in zip(nameless.items(), given, strict=True)
        }

    def _met(self, rows: list[Staged], decisions: dict[int, Decision], staged: _Users) -> dict[int, Meeting]:
        """Let each row that hit a user to compare with meet that user."""
        hits = {row.position: hit for row in rows if (hit := _compares(decisions[row.position]))}
        ids = among(self.connection, users.c.id, [hit.user_id for hit in hits.values()])
        query = select(users.c.id, users.c.document, users.c.protected).where(ids)
        existing = {one: (before, own) for one, before, own in self.connection.execute(query)} if hits else {}
        facets = self.sharing.held(self.connection, list(hits.values()))
        met = {}
        for row in rows:
            if hit := hits.get(row.position):
                some = facets.get(hit.user_id, ())
                hashes = {} if row.position in self.combined.users else _hashes(row)
                incoming = Incoming(staged[row], **hashes)
                met[row.position] = self.sharing.meet(incoming, hit, existing[hit.user_id], some)
        return met


_HAS_PRIMARY_ID = f'[["{PRIMARY_ID}"'


@dataclass(frozen=True)
class _Users:
    """The staged users of a batch, read where they are asked for, or those made of several rows."""

    first: int
    texts: pa.Array
    combined: Mapping[int, User]

    def __getitem__(self, row: Staged) -> User:
        if row.position in self.combined:
            return dict(self.combined[row.position])
        return dict(orjson.loads(self.texts[row.position - self.first].as_py()))


def _refuse_alike(after: User) -> Decision | None:
    for alike in two_alike(after):
        return Decision(Outcome.REJECTED, alike.code, alike.field, alike.detail)
    return None


def _compared(row: Staged, decision: Decision, met: Meeting | None, reissue: Sequence[str]) -> PlanRow:
    start, hit = _start(row), _compares(decision)
    if hit is None or met is None:
        look_at = decision.hit.user_id if decision.hit else None
        return PlanRow(*start, decision.outcome, decision.code, decision.field, decision.detail, look_at)
    changed = with_inactive(changes(met.before, met.after), reissue)
    return PlanRow(
        *start,
        Outcome.UPDATED if changed else Outcome.UNCHANGED,
        user_id=hit.user_id,
        version=hit.version,
        changes=canonical(changed) if changed else None,
        document=canonical(met.after) if changed else None,
        facets=met.facets,
        **_hashes(row),
    )


def _start(row: Staged) -> tuple[int, int, int]:
    return row.position, row.extract.number, row.row


def _hashes(row: Staged) -> dict[str, Any]:
    return {"row_hash": row.row_hash, "user_hash": row.user_hash}


def _compares(decision: Decision) -> Hit | None:
    """Give the user that a row is to be compared with."""
    return decision.hit if decision.outcome is Outcome.UPDATED else None


def _done(row: Staged, done: Done, changed: dict[str, list[Any]] | None) -> PlanRow:
    written = canonical(changed) if changed else None
    return PlanRow(*_start(row), done.outcome, user_id=done.user_id, changes=written, done=True)
