"""The planner: turns the rows of a feed into rows of a plan, batch by batch, each by the law and none by a query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from matchpoint.alma.check import two_alike
from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.law import changes, new_user, synchronize
from matchpoint.chunks import chunks
from matchpoint.feed import Feed, Staged
from matchpoint.matching import Claims, Decision, Hit, Rules, decide
from matchpoint.outcomes import Outcome
from matchpoint.plan import BATCH_ROWS, PlanRow
from matchpoint.primary_ids import PrimaryIds
from matchpoint.profile import Profile
from matchpoint.store import staging
from matchpoint.store.bulk import among
from matchpoint.store.staging import Settled
from matchpoint.store.tables import users


class Planner:
    """Turns staged users into plan rows, batch by batch."""

    def __init__(self, connection: Connection, profile: Profile, rules: Rules, run_id: str) -> None:
        self.connection = connection
        self.profile = profile
        self.rules = rules
        self.run_id = run_id
        self.claims = Claims(staging.contested(connection))
        self.primary_ids = PrimaryIds(connection)

    def plan(self, feed: Feed) -> Iterator[PlanRow]:
        """Give the plan of a feed, row by row; the rejected ones of the transformation come last."""
        position = -1
        for batch in chunks(feed.rows(["row", "user", "identifiers", "source_hash"]), BATCH_ROWS):
            yield from self._batch(batch)
            position = batch[-1]["position"]
        for number, row, code, field, detail in feed.rejected():
            position += 1
            yield PlanRow(position, number, row, Outcome.REJECTED, code, field, detail)

    def _batch(self, batch: list[Staged]) -> Iterator[PlanRow]:
        first, last = batch[0]["position"], batch[-1]["position"]
        settled = staging.settled_between(self.connection, first, last, self.run_id)
        hits = staging.hits_between(self.connection, first, last, self.run_id)
        waiting = [row for row in batch if row["position"] not in settled]
        decisions = {
            row["position"]: decide(row["identifiers"], hits.get(row["position"], []), self.rules) for row in waiting
        }
        met = self._met(waiting, decisions)
        for row in batch:
            position, ids = row["position"], row["identifiers"]
            if position in settled:
                self.claims.claim(ids, settled[position].user_id)
            else:
                decision = _refuse_alike(met[position].after) if position in met else None
                decisions[position] = self.claims.settle(decision or decisions[position], ids)
        created = self._created([row for row in waiting if decisions[row["position"]].outcome is Outcome.CREATED])
        for row in batch:
            position = row["position"]
            if position in settled:
                yield _settled(row, settled[position])
            elif position in created:
                yield PlanRow(
                    *_start(row), Outcome.CREATED, source_hash=row["source_hash"], document=created[position]
                )
            else:
                yield _compared(row, decisions[position], met.get(position))

    def _created(self, rows: list[Staged]) -> dict[int, str]:
        """Give the new users as JSON by position."""
        users = {row["position"]: orjson.loads(row["user"]) for row in rows}
        nameless = [user for user in users.values() if PRIMARY_ID not in user]
        for user, primary_id in zip(nameless, self.primary_ids.give(nameless), strict=True):
            user[PRIMARY_ID] = primary_id
        how = {"profile_code": self.profile.code, "record_type": self.profile.record_type}
        return {position: _json(new_user(user, **how)) for position, user in users.items()}

    def _met(self, rows: list[Staged], decisions: dict[int, Decision]) -> dict[int, _Meeting]:
        """Let each row that hit a user to compare with meet that user."""
        hits = {row["position"]: hit for row in rows if (hit := _compares(decisions[row["position"]]))}
        ids = among(self.connection, users.c.id, [hit.user_id for hit in hits.values()])
        query = select(users.c.id, users.c.document, users.c.protected).where(ids)
        existing = {user_id: rest for user_id, *rest in self.connection.execute(query)} if hits else {}
        action = self.profile.actions.synchronize
        how: dict[str, Any] = {"empty_special": action.empty_special} if action else {}
        met = {}
        for row in rows:
            if hit := hits.get(row["position"]):
                before, protected = existing[hit.user_id]
                incoming = orjson.loads(row["user"])
                after = synchronize(before, incoming, profile_code=self.profile.code, protected=protected, **how)
                met[row["position"]] = _Meeting(before, after)
        return met


@dataclass(frozen=True)
class _Meeting:
    """A user before and after a row met it."""

    before: User
    after: User


def _refuse_alike(after: User) -> Decision | None:
    for alike in two_alike(after):
        return Decision(Outcome.REJECTED, alike.code, alike.field, alike.detail)
    return None


def _compared(row: Staged, decision: Decision, met: _Meeting | None) -> PlanRow:
    start, hit = _start(row), _compares(decision)
    if hit is None or met is None:
        look_at = decision.hit.user_id if decision.hit else None
        return PlanRow(*start, decision.outcome, decision.code, decision.field, decision.detail, look_at)
    changed = changes(met.before, met.after)
    return PlanRow(
        *start,
        Outcome.UPDATED if changed else Outcome.UNCHANGED,
        user_id=hit.user_id,
        version=hit.version,
        source_hash=row["source_hash"],
        changes=_json(changed) if changed else None,
        document=_json(met.after) if changed else None,
    )


def _start(row: Staged) -> tuple[int, int, int]:
    return row["position"], row["extract"].number, row["row"]


def _compares(decision: Decision) -> Hit | None:
    """Give the user that a row is to be compared with."""
    return decision.hit if decision.outcome is Outcome.UPDATED else None


def _settled(row: Staged, settled: Settled) -> PlanRow:
    return PlanRow(
        *_start(row),
        settled.outcome,
        user_id=settled.user_id,
        changes=_json(settled.changes) if settled.changes else None,
        done=settled.done,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
