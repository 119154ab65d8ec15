"""Applying an undo: exactly its plan, in bounded transactions, as often as one likes with the same end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError

from matchpoint.accounts.store import Act
from matchpoint.errors import AccountError, PlanError
from matchpoint.run_folder import RunFolder
from matchpoint.store.engine import exclusive, refresh_statistics, writing
from matchpoint.store.feeds import forget_feed
from matchpoint.store.tables import runs
from matchpoint.undo.limits import Limit
from matchpoint.undo.plan import read_summary
from matchpoint.undo.rows import UndoRow, read_rows, rows_sha256
from matchpoint.undo.traces import UNDO
from matchpoint.undo.writes import Refused, write_rows

BATCH_ROWS = 1_000
"""Users in one transaction; a group is never divided."""
_COUNTED_ANEW = 1_000


def apply_undo(
    folder: RunFolder, engine: Engine, act: Act, *, limit: Limit | None = None, force: bool = False
) -> Refused:
    """Apply the plan of an undo; give who was left after all, since the plan was made, with a code.

    ``act`` names actor and time; the run is the plan's. They are kept in ``undo_applied.jsonl``, too. Raises
    :class:`PlanError` when the plan is not the one that was made, is one of a dry run, or is over the limit and not
    forced: then nothing was written.
    """
    summary = read_summary(folder)
    if summary["dry_run"]:
        raise PlanError(f"{folder.root}: found the plan of a dry run; run it again without dry run to apply it")
    _check(folder, engine, summary["run_id"])
    (limit or Limit()).check(summary, force=force)
    act = Act(act.actor, act.now, summary["run_id"], UNDO)
    refused: Refused = {}
    with exclusive(engine):
        for batch in _batches(row for row in read_rows(folder) if row.deed != "leave"):
            refused |= _write(engine, batch, act)
    if summary["counts"]["users"] >= _COUNTED_ANEW:
        refresh_statistics(engine)
    folder.write_lines("undo_applied.jsonl", refused.items())
    receipt = {**summary["counts"], "undone_run": summary["undone_run"], "left_after_all": len(refused)}
    with writing(engine).begin() as connection:
        mine = update(runs).where(runs.c.run_id == summary["run_id"])
        connection.execute(mine.values(applied_at=act.now, receipt=receipt))
        if not summary["of_person"] and not summary["field"]:
            forget_feed(connection, summary["undone_run"])  # later feeds are not to be measured by it
    return refused


def _check(folder: RunFolder, engine: Engine, run_id: str) -> None:
    with engine.connect() as connection:
        made = connection.scalar(select(runs.c.plan_sha256).where(runs.c.run_id == run_id))
    if made is None:
        raise PlanError(f"{folder.root}: found a plan that this store does not know; make the plan again")
    if rows_sha256(folder) != made:
        raise PlanError(
            f"{folder.root}/undo.parquet: found another plan than the one that was made; nothing was written. "
            "Make the plan again."
        )


def _batches(rows: Iterable[UndoRow]) -> Iterator[list[UndoRow]]:
    batch: list[UndoRow] = []
    for row in rows:
        if len(batch) >= BATCH_ROWS and (row.group < 0 or row.group != batch[-1].group):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _write(engine: Engine, rows: list[UndoRow], act: Act) -> Refused:
    try:
        with writing(engine).begin() as connection:
            return write_rows(connection, rows, act)
    except (AccountError, IntegrityError):  # somebody was faster with an identifier of one of them
        groups = {row.group for row in rows}
        if len(rows) == 1 or (len(groups) == 1 and groups != {-1}):
            return {row.user_id: "taken" for row in rows}
    refused: Refused = {}
    for some in _apart(rows):
        refused |= _write(engine, some, act)
    return refused


def _apart(rows: list[UndoRow]) -> list[list[UndoRow]]:
    apart: dict[tuple[int, int], list[UndoRow]] = {}
    for row in rows:
        apart.setdefault((row.group, row.user_id if row.group < 0 else -1), []).append(row)
    return list(apart.values())
