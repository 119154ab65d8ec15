"""Applying a plan: exactly what it says, in bounded transactions, as often as one likes with the same end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError, IntegrityError

from matchpoint.chunks import chunks
from matchpoint.errors import PlanError
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow, read_plan, read_summary
from matchpoint.run_folder import Extract, RunFolder, sha256
from matchpoint.store import exclusive, writing
from matchpoint.store.ledger import note_files
from matchpoint.store.tables import runs
from matchpoint.store.writes import Stamp, write_batch

BATCH_ROWS = 1_000
"""Rows in one transaction."""

Deviation = tuple[int, str, str]
"""A row that came out otherwise than planned: position, outcome, code."""


def apply_plan(folder: RunFolder, engine: Engine, *, now: datetime) -> list[Deviation]:
    """Apply the plan in the run folder to the store.

    A row whose user, identifiers or extract changed after the plan was made becomes a conflict; a row that the
    database refuses is failed; all others come out as planned. Both are given, and kept in ``applied.jsonl``.
    Raises :class:`PlanError` when the plan itself is not the one that was made. A dry run's plan is never applied.
    """
    summary = read_summary(folder)
    if summary["dry_run"]:
        raise PlanError(f"{folder.root}: found the plan of a dry run; run it again without dry run to apply it")
    run_id = summary["run_id"]
    _check_plan(folder, engine, run_id)
    extracts = folder.extracts
    stamp = Stamp(
        actor=f"{summary['mode']} {summary['profile']}",
        run_id=run_id,
        now=now,
        extracts={extract.number: extract.sha256 for extract in extracts},
    )
    with exclusive(engine):
        deviations = list(_apply(folder, engine, stamp, _changed_extracts(folder, extracts)))
    folder.write_lines("applied.jsonl", deviations)
    with writing(engine).begin() as connection:
        note_files(connection, extracts, profile=summary["profile"], mode=summary["mode"], run_id=run_id, now=now)
        connection.execute(runs.update().where(runs.c.run_id == run_id).values(applied_at=now))
    return deviations


def _check_plan(folder: RunFolder, engine: Engine, run_id: str) -> None:
    with engine.connect() as connection:
        made = connection.scalar(select(runs.c.plan_sha256).where(runs.c.run_id == run_id))
    if made is None:
        raise PlanError(f"{folder.root}: found a plan that this store does not know; run the task match_users again")
    plan = folder.root.joinpath("plan.parquet")
    if not plan.exists() or sha256(plan) != made:
        raise PlanError(
            f"{folder.root}/plan.parquet: found another plan than the one that was made; "
            "nothing was written. Run the task match_users again."
        )


def _changed_extracts(folder: RunFolder, extracts: list[Extract]) -> set[int]:
    """Tell which copies of extracts are no longer what the plan was made from."""
    copies = {extract: folder.root.joinpath(extract.path) for extract in extracts}
    return {one.number for one, copy in copies.items() if not copy.exists() or sha256(copy) != one.sha256}


def _apply(folder: RunFolder, engine: Engine, stamp: Stamp, changed: set[int]) -> Iterator[Deviation]:
    for batch in chunks((row for row in read_plan(folder) if row.writes), BATCH_ROWS):
        lost = [row for row in batch if row.extract in changed and row.outcome != Outcome.UNCHANGED]
        yield from ((row.position, Outcome.CONFLICT, "extract_changed") for row in lost)
        rows = [row for row in batch if row.extract not in changed]
        try:
            yield from _write(engine, rows, stamp)
        except (IntegrityError, DataError):
            for row in rows:
                yield from _write_alone(engine, row, stamp)


def _write(engine: Engine, rows: list[PlanRow], stamp: Stamp) -> list[Deviation]:
    with writing(engine).begin() as connection:
        refused = write_batch(connection, rows, stamp)
    # An unchanged user that changed meanwhile has nothing to lose: only its hash is not noted.
    planned = {row.position: row.outcome for row in rows}
    return [
        (position, Outcome.CONFLICT, code)
        for position, code in refused.items()
        if planned[position] != Outcome.UNCHANGED
    ]


def _write_alone(engine: Engine, row: PlanRow, stamp: Stamp) -> list[Deviation]:
    try:
        return _write(engine, [row], stamp)
    except (IntegrityError, DataError):
        return [(row.position, Outcome.FAILED, "database")]
