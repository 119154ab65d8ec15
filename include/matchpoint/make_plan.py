"""Making the plan: the users of a run against the store, set by set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from matchpoint.chunks import without_gc
from matchpoint.feed import Feed
from matchpoint.identity.keys import make_keys
from matchpoint.identity.proposals import save_proposals, write_found
from matchpoint.leavers.files import LeaverCounts
from matchpoint.leavers.plan import plan_absences
from matchpoint.matching import Rules
from matchpoint.outcomes import Outcome, count_outcomes
from matchpoint.plan import PlanRow, plan_sha256, read_plan, write_plan, write_refreshed
from matchpoint.planner import Planner
from matchpoint.precedence import in_order
from matchpoint.profile import Mode, Profile
from matchpoint.profile.identity import Identity
from matchpoint.run_folder import RunFolder
from matchpoint.standing import Settler
from matchpoint.store import writing
from matchpoint.store.bulk import load_rows
from matchpoint.store.clock import after_all_runs
from matchpoint.store.code_tables import load_code_tables
from matchpoint.store.tables import plan_rows, runs
from matchpoint.transform import Transformer

_KEPT = frozenset({Outcome.UPDATED, Outcome.REJECTED, Outcome.CONFLICT})


@without_gc()
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
    """Match the transformed users of a run against the store, write the plan, and give its counts.

    It goes into the run folder and, unless it is a dry run, into the store; no user is touched.
    """
    feed = Feed(folder, in_order(folder.extracts, profile.precedence))
    outcomes, unchanged, leavers = _match(
        folder, engine, profile, feed, mode=mode, run_id=run_id, as_of=date.fromisoformat(as_of)
    )
    summary: dict[str, Any] = {
        "run_id": run_id,
        "profile": profile.code,
        "mode": mode,
        "as_of": as_of,
        "dry_run": dry_run,
        "planned_at": now.isoformat(),
        "sha256": plan_sha256(folder),
        "inputs": {extract.label: extract.sha256 for extract in folder.extracts},
        "profile_sha256": hashlib.sha256(profile.model_dump_json().encode()).hexdigest(),
        "counts": count_outcomes(outcomes.elements()),
        "order": feed.order,
        "unchanged": unchanged,
        "leavers": leavers.as_dict() if leavers else None,
    }
    folder.write_json("plan.json", summary)
    if not dry_run:
        _store_plan(folder, engine, summary, now, profile.identity)
    return dict(summary["counts"])


def _match(
    folder: RunFolder, engine: Engine, profile: Profile, feed: Feed, *, mode: Mode, run_id: str, as_of: date
) -> tuple[Counter[str], Counter[int], LeaverCounts | None]:
    """Write the plan's rows; count its outcomes, the unchanged rows by number of the extract, and the leavers."""
    outcomes: Counter[str] = Counter()
    rules = Rules.of(profile, mode)
    transformer = Transformer(profile, as_of, load_code_tables(engine))
    if mode == "synchronize" and profile.identity.looks_around:
        make_keys(engine)
    with engine.connect() as connection, connection.begin():
        standing = Settler(folder, connection, profile, rules, feed, run_id, transformer).settle()
        planner = Planner(connection, profile, rules, run_id, standing)
        write_plan(folder, _counted(planner.plan(feed), outcomes))
        leavers = plan_absences(folder, connection, profile, feed, standing, rules=rules, run_id=run_id, as_of=as_of)
    write_refreshed(folder, planner.refreshed)
    write_found(folder, planner.review.found, planner.review.seen)
    outcomes[Outcome.UNCHANGED] += planner.unchanged.total()
    return outcomes, planner.unchanged, leavers


def _counted(rows: Iterator[PlanRow], outcomes: Counter[str]) -> Iterator[PlanRow]:
    """Count the outcomes of rows as they go by."""
    for row in rows:
        outcomes[row.outcome] += 1
        yield row


def _store_plan(
    folder: RunFolder, engine: Engine, summary: dict[str, Any], now: datetime, identity: Identity
) -> None:
    """Keep the plan in the store: the run, and every row to be changed or refused; a new user is in the history."""
    run_id = summary["run_id"]
    hashes = {extract.number: extract.sha256 for extract in folder.extracts}
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
        for row in read_plan(folder, _KEPT)
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
                    planned_at=after_all_runs(connection, now),
                )
            )
        else:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(plan_sha256=summary["sha256"]))
        columns = ["run_id", "position", "extract", "row", "outcome", "user_id", "code", "field", "changes"]
        load_rows(connection, plan_rows, columns, notable)
        save_proposals(connection, folder, summary, now, identity)
