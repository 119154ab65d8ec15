"""Making the plan: the users of a run against the store, set by set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, delete, insert, select

from matchpoint.alma.check import two_alike
from matchpoint.alma.fields import PRIMARY_ID
from matchpoint.alma.law import changes, new_user, synchronize
from matchpoint.chunks import chunks
from matchpoint.feed import Feed, Staged
from matchpoint.matching import Claims, Decision, Hit, Rules, decide
from matchpoint.outcomes import Outcome, count_outcomes
from matchpoint.plan import BATCH_ROWS, PlanRow, read_plan, write_plan
from matchpoint.precedence import in_order
from matchpoint.primary_ids import PrimaryIds
from matchpoint.profile import Mode, Profile
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store import refresh_statistics, staging, writing
from matchpoint.store.bulk import among, load_rows
from matchpoint.store.staging import Settled
from matchpoint.store.tables import plan_rows, runs, users


def make_plan(
    folder: RunFolder,
    engine: Engine,
    profile: Profile,
    *,
    mode: Mode,
    run_id: str,
    as_of: str,
    now: datetime,
    dry_run: bool,
) -> dict[str, int]:
    """Match the transformed users of a run against the store, and write the plan.

    The plan goes into the run folder and, unless it is a dry run, into the store; no user is touched. Gives the
    counts of the plan.
    """
    extracts = folder.extracts
    rules = Rules.of(profile, mode)
    outcomes: Counter[str] = Counter()
    refresh_statistics(engine)
    feed = Feed(folder, in_order(extracts, profile.precedence))
    with staging.staging(engine, feed.identified) as connection:
        staging.settle(connection, rules, run_id)
        planner = _Planner(connection, profile, rules, run_id)
        plan_hash = write_plan(folder, _counted(planner.plan(feed), outcomes))
    counts = count_outcomes(outcomes.elements())
    summary = {
        "run_id": run_id,
        "profile": profile.code,
        "mode": mode,
        "as_of": as_of,
        "dry_run": dry_run,
        "planned_at": now.isoformat(),
        "sha256": plan_hash,
        "counts": counts,
    }
    folder.write_json("plan.json", summary)
    if not dry_run:
        _store_plan(folder, engine, extracts, summary, now)
    return counts


def _counted(rows: Iterator[PlanRow], outcomes: Counter[str]) -> Iterator[PlanRow]:
    """Count the outcomes of rows as they go by."""
    for row in rows:
        outcomes[row.outcome] += 1
        yield row


class _Planner:
    """Turns staged users into plan rows, batch by batch."""

    def __init__(self, connection: Connection, profile: Profile, rules: Rules, run_id: str) -> None:
        self.connection = connection
        self.profile = profile
        self.rules = rules
        self.run_id = run_id
        self.claims = Claims(staging.contested(connection))
        self.primary_ids = PrimaryIds(connection)

    def plan(self, feed: Feed) -> Iterator[PlanRow]:
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
        decisions: dict[int, Decision] = {}
        for row in batch:
            position, ids = row["position"], row["identifiers"]
            if position in settled:
                self.claims.claim(ids, settled[position].user_id)
            else:
                decision = decide(ids, hits.get(position, []), self.rules)
                decisions[position] = self.claims.settle(decision, ids)
        existing = self._existing([hit.user_id for hit in map(_compares, decisions.values()) if hit])
        created = self._created([row for row in batch if _is_created(decisions.get(row["position"]))])
        for row in batch:
            position = row["position"]
            if position in settled:
                yield _settled(row, settled[position])
            elif position in created:
                yield PlanRow(
                    *_start(row), Outcome.CREATED, source_hash=row["source_hash"], document=created[position]
                )
            else:
                yield self._compared(row, decisions[position], existing)

    def _created(self, rows: list[Staged]) -> dict[int, str]:
        """Give the new users as JSON by position."""
        users = {row["position"]: orjson.loads(row["user"]) for row in rows}
        nameless = [user for user in users.values() if PRIMARY_ID not in user]
        for user, primary_id in zip(nameless, self.primary_ids.give(nameless), strict=True):
            user[PRIMARY_ID] = primary_id
        how = {"profile_code": self.profile.code, "record_type": self.profile.record_type}
        return {position: _json(new_user(user, **how)) for position, user in users.items()}

    def _existing(self, user_ids: list[int]) -> dict[int, tuple[dict[str, Any], list[str]]]:
        query = select(users.c.id, users.c.document, users.c.protected).where(
            among(self.connection, users.c.id, user_ids)
        )
        return {user_id: (document, protected) for user_id, document, protected in self.connection.execute(query)}

    def _compared(self, row: Staged, decision: Decision, existing: dict[int, Any]) -> PlanRow:
        start = _start(row)
        hit = _compares(decision)
        if hit is None:
            look_at = decision.hit.user_id if decision.hit else None
            return PlanRow(*start, decision.outcome, decision.code, decision.field, decision.detail, look_at)
        before, protected = existing[hit.user_id]
        action = self.profile.actions.synchronize
        after = synchronize(
            before,
            orjson.loads(row["user"]),
            profile_code=self.profile.code,
            protected=protected,
            empty_special=action.empty_special if action else "keep",
        )
        for alike in two_alike(row["row"], after):
            return PlanRow(*start, Outcome.REJECTED, alike.code, alike.field, alike.detail)
        changed = changes(before, after)
        return PlanRow(
            *start,
            Outcome.UPDATED if changed else Outcome.UNCHANGED,
            user_id=hit.user_id,
            version=hit.version,
            source_hash=row["source_hash"],
            changes=_json(changed) if changed else None,
            document=_json(after) if changed else None,
        )


def _start(row: Staged) -> tuple[int, int, int]:
    return row["position"], row["extract"].number, row["row"]


def _compares(decision: Decision) -> Hit | None:
    """Give the user that a row is to be compared with."""
    return decision.hit if decision.outcome is Outcome.UPDATED else None


def _is_created(decision: Decision | None) -> bool:
    return decision is not None and decision.outcome is Outcome.CREATED


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


def _store_plan(
    folder: RunFolder, engine: Engine, extracts: list[Extract], summary: dict[str, Any], now: datetime
) -> None:
    """Keep the plan in the store: the run, and every row that is not simply unchanged or skipped."""
    run_id = summary["run_id"]
    hashes = {extract.number: extract.sha256 for extract in extracts}
    notable = (
        (
            run_id,
            row.position,
            hashes[row.extract],
            row.row,
            row.outcome,
            row.user_id,
            row.code,
            row.field,
            row.changes,
        )
        for row in read_plan(folder)
        if row.outcome not in {Outcome.UNCHANGED, Outcome.SKIPPED}
    )
    with writing(engine).begin() as connection:
        planned_at = connection.scalar(select(runs.c.planned_at).where(runs.c.run_id == run_id))
        connection.execute(delete(plan_rows).where(plan_rows.c.run_id == run_id))
        if planned_at is None:
            connection.execute(
                insert(runs).values(
                    run_id=run_id,
                    profile=summary["profile"],
                    mode=summary["mode"],
                    as_of=summary["as_of"],
                    plan_sha256=summary["sha256"],
                    planned_at=now,
                )
            )
        else:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(plan_sha256=summary["sha256"]))
        columns = ["run_id", "position", "extract", "row", "outcome", "user_id", "code", "field", "changes"]
        load_rows(connection, plan_rows, columns, notable)
