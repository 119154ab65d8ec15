"""Making the plan: the users of a run against the store, set by set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, delete, insert, select

from matchpoint.alma.check import two_alike
from matchpoint.alma.law import changes, new_user, synchronize
from matchpoint.chunks import chunks
from matchpoint.matching import Claims, Decision, Rules, decide
from matchpoint.outcomes import Outcome, count_outcomes
from matchpoint.plan import BATCH_ROWS, PlanRow, read_plan, write_plan
from matchpoint.profile import Mode, Profile
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store import refresh_statistics, staging, writing
from matchpoint.store.bulk import among, load_rows
from matchpoint.store.staging import Settled, StagedRow
from matchpoint.store.tables import plan_rows, runs, users

Staged = dict[str, Any]
"""A row of ``users/NNN.parquet`` with its position in the run and its extract."""


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
    with staging.staging(engine, lambda: _staged_rows(folder, extracts)) as connection:
        staging.settle(connection, rules, run_id)
        planner = _Planner(connection, profile, rules, run_id)
        plan_hash = write_plan(folder, _counted(planner.plan(folder, extracts), outcomes))
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

    def plan(self, folder: RunFolder, extracts: list[Extract]) -> Iterator[PlanRow]:
        position = -1
        staged = _staged(folder, extracts, ["row", "user", "identifiers", "source_hash"])
        for batch in chunks(staged, BATCH_ROWS):
            yield from self._batch(batch)
            position = batch[-1]["position"]
        for extract in extracts:
            for row in _rejected(folder, extract):
                position += 1
                yield PlanRow(position, extract.number, row[0], Outcome.REJECTED, *row[1:])

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
        existing = self._existing([one.hit.user_id for one in decisions.values() if one.hit])
        for row in batch:
            if row["position"] in settled:
                yield _settled(row, settled[row["position"]])
            else:
                yield self._row(row, decisions[row["position"]], existing)

    def _existing(self, user_ids: list[int]) -> dict[int, tuple[dict[str, Any], list[str]]]:
        query = select(users.c.id, users.c.document, users.c.protected).where(
            among(self.connection, users.c.id, user_ids)
        )
        return {user_id: (document, protected) for user_id, document, protected in self.connection.execute(query)}

    def _row(self, row: Staged, decision: Decision, existing: dict[int, Any]) -> PlanRow:
        start = (row["position"], row["extract"].number, row["row"])
        if decision.outcome is Outcome.CREATED:
            user = new_user(
                orjson.loads(row["user"]),
                profile_code=self.profile.code,
                record_type=self.profile.record_type,
            )
            return PlanRow(*start, Outcome.CREATED, source_hash=row["source_hash"], document=_json(user))
        if decision.hit is None or decision.outcome is not Outcome.UPDATED:
            return PlanRow(*start, decision.outcome, decision.code, decision.field, decision.detail)
        before, protected = existing[decision.hit.user_id]
        action = self.profile.actions.synchronize
        after = synchronize(
            before,
            orjson.loads(row["user"]),
            protected=protected,
            empty_special=action.empty_special if action else "keep",
        )
        for alike in two_alike(row["row"], after):
            return PlanRow(*start, Outcome.REJECTED, alike.code, alike.field, alike.detail)
        changed = changes(before, after)
        return PlanRow(
            *start,
            Outcome.UPDATED if changed else Outcome.UNCHANGED,
            user_id=decision.hit.user_id,
            version=decision.hit.version,
            source_hash=row["source_hash"],
            changes=_json(changed) if changed else None,
            document=_json(after) if changed else None,
        )


def _settled(row: Staged, settled: Settled) -> PlanRow:
    return PlanRow(
        row["position"],
        row["extract"].number,
        row["row"],
        settled.outcome,
        user_id=settled.user_id,
        changes=_json(settled.changes) if settled.changes else None,
        done=settled.done,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _read(folder: RunFolder, extract: Extract, columns: list[str]) -> Iterator[dict[str, Any]]:
    with folder.root.joinpath("users", f"{extract.number:03}.parquet").open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=columns):
            for row in batch.to_pylist():
                row["identifiers"] = orjson.loads(row["identifiers"])
                yield row


def _staged_rows(folder: RunFolder, extracts: list[Extract]) -> Iterator[StagedRow]:
    for row in _staged(folder, extracts, ["row", "identifiers", "source_hash"]):
        yield row["position"], row["extract"].sha256, row["row"], row["source_hash"], row["identifiers"]


def _staged(folder: RunFolder, extracts: list[Extract], columns: list[str]) -> Iterator[Staged]:
    """Read the users of all extracts, numbered through the whole run."""
    rows = ((extract, row) for extract in extracts for row in _read(folder, extract, columns))
    for position, (extract, row) in enumerate(rows):
        yield {**row, "position": position, "extract": extract}


def _rejected(folder: RunFolder, extract: Extract) -> Iterator[tuple[int, str, str, str]]:
    """Give the rows that transform rejected, each once, with the first reason and how many more there are."""
    by_row: dict[int, list[Any]] = {}
    for finding in folder.findings(extract.number):
        by_row.setdefault(finding.row, []).append(finding)
    for row in sorted(by_row):
        first, *others = by_row[row]
        detail = "; and ".join([first.detail, *(f"{other.field}: {other.message}" for other in others)])
        yield row, first.code, first.field, detail


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
