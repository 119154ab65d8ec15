"""Applying a plan: exactly what it says, in bounded transactions, as often as one likes with the same end."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import orjson
from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError, IntegrityError

from matchpoint.chunks import ahead, chunks, without_gc
from matchpoint.errors import PlanError
from matchpoint.feed import Feed
from matchpoint.guard.verdict import CATEGORY
from matchpoint.leavers.apply import apply_leavers
from matchpoint.leavers.files import STEPS
from matchpoint.outcomes import Outcome
from matchpoint.plan import WRITTEN, plan_sha256, read_plan, read_refreshed, read_summary
from matchpoint.run_folder import Extract, RunFolder, sha256
from matchpoint.store import exclusive, refresh_statistics, row_ledger, writing
from matchpoint.store.changes import Change, Stamp
from matchpoint.store.clock import after_all_runs
from matchpoint.store.first_load import first_load
from matchpoint.store.ledger import note_files
from matchpoint.store.lookup import has_applied
from matchpoint.store.tables import runs
from matchpoint.store.writes import write_batch

BATCH_ROWS = 5_000
"""Rows in one transaction."""

COUNTED_ANEW = 1_000
"""Rows written, from which on the database counts its tables anew."""

Deviation = tuple[int, str, str]
"""A row that came out otherwise than planned: position, outcome, code."""


@without_gc()
def apply_plan(
    folder: RunFolder, engine: Engine, *, now: datetime, withheld: Collection[str] = frozenset()
) -> list[Deviation]:
    """Apply the plan in the run folder to the store.

    ``withheld`` are categories (:data:`matchpoint.guard.verdict.EVERYTHING`) that wait for a person's answer: their
    rows are skipped, and applied when the plan is applied again without withholding them. A row whose user,
    identifiers or extract changed after the plan was made becomes a conflict; a row that the database refuses is
    failed; all others come out as planned. All these are given, and kept in ``applied.jsonl``. Raises
    :class:`PlanError` when the plan itself is not the one that was made. A dry run's plan is never applied.
    """
    summary = read_summary(folder)
    if summary["dry_run"]:
        raise PlanError(f"{folder.root}: found the plan of a dry run; run it again without dry run to apply it")
    run_id = summary["run_id"]
    _check_plan(folder, engine, run_id)
    extracts = folder.extracts
    created = 0 if "create" in withheld else summary["counts"][Outcome.CREATED]
    with exclusive(engine), first_load(engine, created):
        stamp = Stamp(
            actor=f"{summary['mode']} {summary['profile']}",
            run_id=run_id,
            now=_store_time(engine, now),
            extracts={extract.number: extract.sha256 for extract in extracts},
            profile=summary["profile"],
            is_resumed=_has_written(engine, run_id),
        )
        deviations = list(_apply(folder, engine, stamp, withheld))
        _refresh(folder, engine)
        if summary["leavers"]:
            parked = STEPS if "leave" in withheld else ()
            apply_leavers(folder, engine, stamp, as_of=summary["as_of"], parked=parked, counts="feed" not in withheld)
    folder.write_lines("applied.jsonl", deviations)
    with writing(engine).begin() as connection:
        note_files(connection, extracts, profile=summary["profile"], mode=summary["mode"], run_id=run_id, now=now)
        connection.execute(runs.update().where(runs.c.run_id == run_id).values(applied_at=stamp.now))
    return deviations


def apply_nothing(folder: RunFolder) -> None:
    """Say of a plan that none of it was applied, because its profile is stopped."""
    folder.write_lines("applied.jsonl", _skipped(folder, WRITTEN & CATEGORY.keys(), "stopped"))


def _skipped(folder: RunFolder, outcomes: Collection[str], code: str) -> Iterator[Deviation]:
    return ((row.position, Outcome.SKIPPED, code) for row in read_plan(folder, outcomes) if not row.done)


def _store_time(engine: Engine, now: datetime) -> datetime:
    with engine.connect() as connection:
        return after_all_runs(connection, now)


def _has_written(engine: Engine, run_id: str) -> bool:
    """Tell whether another try of the run has written; asked when it is our turn, since it may end only then."""
    with engine.connect() as connection:
        return has_applied(connection, run_id)


def _check_plan(folder: RunFolder, engine: Engine, run_id: str) -> None:
    with engine.connect() as connection:
        made = connection.scalar(select(runs.c.plan_sha256).where(runs.c.run_id == run_id))
    if made is None:
        raise PlanError(f"{folder.root}: found a plan that this store does not know; run the task match_users again")
    if plan_sha256(folder) != made:
        raise PlanError(
            f"{folder.root}/plan.parquet: found another plan than the one that was made; "
            "nothing was written. Run the task match_users again."
        )


def _changed_extracts(folder: RunFolder, extracts: list[Extract]) -> set[int]:
    """Tell which copies of extracts are no longer what the plan was made from."""
    copies = {extract: folder.root.joinpath(extract.path) for extract in extracts}
    return {one.number for one, copy in copies.items() if not copy.exists() or sha256(copy) != one.sha256}


def _refresh(folder: RunFolder, engine: Engine) -> None:
    for user_ids, row_hashes in read_refreshed(folder):
        with writing(engine).begin() as connection:
            row_ledger.refresh(connection, user_ids, row_hashes)


def _apply(folder: RunFolder, engine: Engine, stamp: Stamp, withheld: Collection[str]) -> Iterator[Deviation]:
    written, changed = 0, None
    waiting = {outcome for outcome in WRITTEN if CATEGORY.get(outcome) in withheld}
    if waiting:
        yield from _skipped(folder, waiting, "parked")
    for batch in ahead(chunks(_with_documents(folder, WRITTEN - waiting), BATCH_ROWS)):
        if changed is None:  # a run that writes nothing need not ask
            changed = _changed_extracts(folder, folder.extracts)
        lost = [one.row for one in batch if one.row.extract in changed and one.row.outcome != Outcome.UNCHANGED]
        yield from ((row.position, Outcome.CONFLICT, "extract_changed") for row in lost)
        rows = [change for change in batch if change.row.extract not in changed]
        try:
            yield from _write(engine, rows, stamp)
        except (IntegrityError, DataError):
            for change in rows:
                yield from _write_alone(engine, change, stamp)
        written += len(rows)
    if written >= COUNTED_ANEW:
        refresh_statistics(engine)


def _with_documents(folder: RunFolder, outcomes: Collection[str]) -> Iterator[Change]:
    """Give the rows that write, each with the user to be written: of a new one that is the staged user."""
    rows = (row for row in read_plan(folder, outcomes) if row.writes)
    feed = Feed.planned(folder)
    staged = (pair for rows, users in feed.rows() for pair in zip(rows, users.to_pylist(), strict=True))
    for row in rows:
        if row.outcome == Outcome.CREATED and row.document is None:
            found, user = next(pair for pair in staged if pair[0].position == row.position)
            yield Change(row, user, orjson.loads(found.identifiers))
        else:
            yield Change.of(row)


def _write(engine: Engine, changes: list[Change], stamp: Stamp, *, alone: bool = False) -> list[Deviation]:
    with writing(engine).begin() as connection:
        refused = write_batch(connection, changes, stamp, alone=alone)
    # An unchanged user that changed meanwhile has nothing to lose: only its hash is not noted.
    planned = {change.row.position: change.row.outcome for change in changes}
    return [
        (position, Outcome.CONFLICT, code)
        for position, code in refused.items()
        if planned[position] != Outcome.UNCHANGED
    ]


def _write_alone(engine: Engine, change: Change, stamp: Stamp) -> list[Deviation]:
    try:
        return _write(engine, [change], stamp, alone=True)
    except (IntegrityError, DataError):
        return [(change.row.position, Outcome.FAILED, "database")]
