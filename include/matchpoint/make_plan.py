"""Making the plan: the users of a run against the store, set by set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from matchpoint.feed import Feed
from matchpoint.matching import Rules
from matchpoint.outcomes import Outcome, count_outcomes
from matchpoint.plan import PlanRow, read_plan, write_plan
from matchpoint.planner import Planner
from matchpoint.precedence import in_order
from matchpoint.profile import Mode, Profile
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store import refresh_statistics, staging, writing
from matchpoint.store.bulk import load_rows
from matchpoint.store.tables import plan_rows, runs


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
        planner = Planner(connection, profile, rules, run_id)
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
