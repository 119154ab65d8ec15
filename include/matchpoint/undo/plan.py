"""Making the plan of an undo: of a whole run, of one person, of one field. Nobody is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from matchpoint.errors import PlanError
from matchpoint.run_folder import RunFolder
from matchpoint.store.engine import writing
from matchpoint.store.tables import runs, users
from matchpoint.undo.planner import UndoPlanner
from matchpoint.undo.reading import Past, past_of, pasts_of_run, users_called, users_of_run
from matchpoint.undo.rows import Tally, rows_sha256, write_rows
from matchpoint.undo.traces import UNDO

_BATCH = 1_000


@dataclass(frozen=True)
class Target:
    """What is to be taken back: all that a run did, or the last change in effect; of a person, or of one field."""

    run_id: str | None = None
    identifier: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Undoing:
    """The undo itself: its run id and its time. A dry run leaves no trace in the store."""

    run_id: str
    now: datetime
    dry_run: bool = False


def plan_undo_run(
    folder: RunFolder, engine: Engine, run_id: str, undoing: Undoing, *, field: str | None = None
) -> dict[str, Any]:
    """Plan to take back what a run did, to everybody, or in one ``field`` alone.

    Writes ``undo.parquet`` and ``undo.json`` into the run folder and gives the latter; see :func:`plan_undo`.
    """
    return plan_undo(folder, engine, Target(run_id, None, field), undoing)


def plan_undo_person(
    folder: RunFolder, engine: Engine, identifier: str, undoing: Undoing, *, run_id: str | None = None
) -> dict[str, Any]:
    """Plan to take back what a run did to one person, or, without a run, the person's last change in effect."""
    return plan_undo(folder, engine, Target(run_id, identifier), undoing)


def plan_undo_field(
    folder: RunFolder, engine: Engine, identifier: str, field: str, undoing: Undoing, *, run_id: str | None = None
) -> dict[str, Any]:
    """Plan to take back what a run did to one field of a person, or, without a run, its last change in effect."""
    return plan_undo(folder, engine, Target(run_id, identifier, field), undoing)


def plan_undo(folder: RunFolder, engine: Engine, target: Target, undoing: Undoing) -> dict[str, Any]:
    """Plan an undo, freeze the plan, and give its summary: hash and counts, without a person's data.

    A change that somebody else made since is never overwritten: what it covers is left, and the plan says why. Raises
    :class:`PlanError` when there is nothing of the kind in the history.
    """
    tally = Tally()
    with engine.connect() as connection, connection.begin():
        batches = _pasts(connection, target, undoing.run_id)
        planner = UndoPlanner(connection, target.field)
        write_rows(folder, tally.of(planner.plan(batches)))
        profile, mode = _undone(connection, target.run_id)
        everybody = connection.scalar(select(func.count()).select_from(users)) or 0
    counts = tally.counts()
    summary = {
        "run_id": undoing.run_id,
        "undone_run": target.run_id,
        "of_person": target.identifier is not None,
        "field": target.field,
        "profile": profile,
        "mode": mode,
        "dry_run": undoing.dry_run,
        "planned_at": undoing.now.isoformat(),
        "sha256": rows_sha256(folder),
        "everybody": everybody,
        "counts": counts,
    }
    folder.write_json("undo.json", summary)
    if not undoing.dry_run:
        _freeze(engine, summary, undoing)
    return summary


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """Read ``undo.json``; raises :class:`PlanError` when there is none."""
    try:
        return dict(folder.read_json("undo.json"))
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no undo.json; make the plan first") from None


def _pasts(connection: Connection, target: Target, own_run: str) -> Iterator[Mapping[int, Past]]:
    """Find the users an undo is about, and read what came of them, batch by batch."""
    if target.identifier is not None:
        yield _past_of_person(connection, target, own_run)
        return
    if target.run_id is None:
        raise PlanError("undo: found neither a run nor a person; expected one of them")
    user_ids = users_of_run(connection, target.run_id)
    if not len(user_ids):
        raise PlanError(
            f"undo: found no change by the run {target.run_id}; expected the id as reports and history have it, "
            "such as sis_synchronize__students/scheduled__2026-09-01"
        )
    for start in range(0, len(user_ids), _BATCH):
        yield pasts_of_run(connection, user_ids[start : start + _BATCH].tolist(), target.run_id, own_run)


def _past_of_person(connection: Connection, target: Target, own_run: str) -> dict[int, Past]:
    called = users_called(connection, target.identifier or "")
    if not called:
        raise PlanError("undo: found nobody with this identifier, nor anybody deleted who had it")
    found = {
        user_id: past
        for user_id in called
        if (past := past_of(connection, user_id, own_run, name=target.field, run_id=target.run_id))
    }
    if not found:
        raise PlanError("undo: found no change of this kind in the person's history that is in effect")
    return {max(found): found[max(found)]}


def _undone(connection: Connection, run_id: str | None) -> tuple[str, str]:
    """Give profile and mode of the run that is taken back; "" for a job that has none."""
    found = connection.execute(select(runs.c.profile, runs.c.mode).where(runs.c.run_id == run_id)).one_or_none()
    return (found[0], found[1]) if found else ("", "")


def _freeze(engine: Engine, summary: Mapping[str, Any], undoing: Undoing) -> None:
    with writing(engine).begin() as connection:
        known = connection.scalar(select(runs.c.planned_at).where(runs.c.run_id == undoing.run_id))
        if known is not None:
            changed = update(runs).where(runs.c.run_id == undoing.run_id)
            connection.execute(changed.values(plan_sha256=summary["sha256"]))
            return
        connection.execute(
            insert(runs).values(
                run_id=undoing.run_id,
                profile=summary["profile"],
                mode=UNDO,
                as_of=undoing.now.date().isoformat(),
                plan_sha256=summary["sha256"],
                planned_at=undoing.now,
                receipt={"undone_run": summary["undone_run"]},
            )
        )
