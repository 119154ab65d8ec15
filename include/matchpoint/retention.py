"""How long runs keep people's data: run folders and planned rows past their clock are emptied, later deleted.

What may stay of an emptied run is listed; all else goes, whatever left it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, func, select

from matchpoint.profile.privacy import Retention
from matchpoint.run_folder import AnyPath, RunFolder
from matchpoint.store import writing
from matchpoint.store.bulk import among
from matchpoint.store.tables import plan_rows, runs

PURGED = "purged.json"
PURGED_TIME = "last_used"
KEPT = frozenset(
    {
        "manifest.json",
        "plan.json",
        "applied.jsonl",
        "health.json",
        "guard.json",
        "plan.html",
        "asked_by.json",
        "fetched.json",
        "receipt.json",
        "report.html",
        "report.md",
        PURGED,
    }
)
"""The files of a run that hold no person's data."""

Clock = Callable[[str], Retention | None]
"""Gives the clock of a profile by its code, "" for runs of none; None leaves its runs alone."""


@dataclass
class Purged:
    """What went: runs emptied of people's data, runs deleted, their files and bytes, rows of plans in the store.

    ``waiting`` are runs past their clock that are not over, such as one that waits for approval: they stay.
    """

    emptied: int = 0
    deleted: int = 0
    files: int = 0
    bytes: int = 0
    plan_rows: int = 0
    waiting: int = 0


def purge_folders(
    root: AnyPath, clock: Clock, *, now: datetime, is_open: Callable[[str], bool], dry_run: bool = False
) -> Purged:
    """Empty and delete run folders below ``root`` that are past their clock, and give what went.

    ``is_open`` tells of a run id whether that run is not over; such a run stays. With ``dry_run`` nothing is touched
    and the same is given. Done again, and after a kill in the middle, it ends the same.
    """
    done = Purged()
    for folder in run_folders(root):
        path, told = folder.root, _told(folder)
        kept_for = clock(_profile_in(told, path))
        if kept_for is None or not _is_past(kept_for, _said(told), now):
            continue
        kept = {str(path / name) for name in KEPT}
        files = [one for one in path.rglob("*") if one.is_file()]
        to_go = [one for one in files if str(one) not in kept]
        last_used = _last_used(told, to_go if PURGED_TIME in told else to_go or files)
        goes_whole = now - last_used >= timedelta(days=kept_for.run_days)
        if not goes_whole and (not to_go or not _is_past(kept_for, last_used, now)):
            continue
        if is_open(told.get("run_id", "")):
            done.waiting += 1
            continue
        done.deleted += goes_whole
        done.emptied += not goes_whole
        note = (
            None if goes_whole else {"at": now.isoformat(), PURGED_TIME: last_used.isoformat(), "files": len(to_go)}
        )
        _remove(folder, files if goes_whole else to_go, done, note=note, dry_run=dry_run)
    return done


def purge_plans(
    engine: Engine, clock: Clock, *, now: datetime, is_open: Callable[[str], bool], dry_run: bool = False
) -> int:
    """Delete the planned rows of runs past their clock from a store; give how many. The runs themselves stay."""
    with engine.connect() as connection:
        planned = select(runs.c.run_id, runs.c.profile, runs.c.planned_at).where(
            runs.c.run_id.in_(select(plan_rows.c.run_id).distinct())
        )
        found = connection.execute(planned).all()
    old = [run_id for run_id, profile, at in found if _is_past(clock(profile), _aware(at), now)]
    closed = [run_id for run_id in old if not is_open(run_id)]
    with writing(engine).begin() as connection:
        held = among(connection, plan_rows.c.run_id, closed)
        rows = connection.scalar(select(func.count()).select_from(plan_rows).where(held)) or 0
        if not dry_run:
            connection.execute(delete(plan_rows).where(held))
    return rows


def purged_at(folder: RunFolder) -> str | None:
    """Give when a run's extracts were deleted, as ISO 8601; None when they were not."""
    purged = folder.find_json(PURGED)
    return str(purged["at"]) if purged else None


def profile_of_run(folder: RunFolder) -> str:
    """Give the code of the profile that a run was of; "" when of none."""
    return _profile_in(_told(folder), folder.root)


def run_folders(root: AnyPath) -> Iterator[RunFolder]:
    """Give the folders of runs: two levels below the root, the DAG's and the run's."""
    if not root.exists():
        return
    dags: list[AnyPath] = sorted((one for one in root.iterdir() if one.is_dir()), key=str)
    for dag in dags:
        folders: list[AnyPath] = sorted((one for one in dag.iterdir() if one.is_dir()), key=str)
        yield from map(RunFolder, folders)


def _told(folder: RunFolder) -> dict[str, Any]:
    """Read what the run says of itself: run, profile, and its times."""
    told: dict[str, Any] = {}
    for name in ("plan.json", "receipt.json", PURGED):
        try:
            told |= folder.read_json(name)
        except (FileNotFoundError, ValueError):  # a file that was cut off tells nothing
            continue
    return told


def _said(told: dict[str, Any]) -> datetime:
    """Give the latest time that a run says of itself; the beginning of time when it says none."""
    said = [datetime.fromisoformat(told[name]) for name in ("planned_at", "finished_at", PURGED_TIME) if name in told]
    return max(said, default=datetime.min.replace(tzinfo=UTC))


def _last_used(told: dict[str, Any], files: list[AnyPath]) -> datetime:
    """Give the latest time that is known of a run: what it says of itself, or when one of some files was written."""
    written = [datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in files]
    return max([_said(told), *written])


def _profile_in(told: dict[str, Any], path: AnyPath) -> str:
    """Give the profile that a run names, or else the id of its DAG."""
    dag_id = path.parent.name
    return str(told.get("profile") or (dag_id.partition("__")[2] if dag_id.startswith("sis_") else ""))


def _is_past(kept_for: Retention | None, at: datetime, now: datetime) -> bool:
    """Tell whether what was last used at a time has been kept long enough."""
    return kept_for is not None and now - at >= timedelta(days=kept_for.extracts_days)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # SQLite keeps no time zone


def _remove(
    folder: RunFolder, files: list[AnyPath], done: Purged, *, note: dict[str, Any] | None, dry_run: bool
) -> None:
    """Delete files of a run and the folders that are then empty; ``note`` is left there first, where a run stays."""
    done.files += len(files)
    done.bytes += sum(one.stat().st_size for one in files)
    if dry_run:
        return
    if note:
        folder.write_json(PURGED, note)
    for one in files:
        one.unlink()
    folders = sorted((one for one in folder.root.rglob("*") if one.is_dir()), key=lambda one: -len(str(one)))
    for one in [*folders, folder.root]:
        if one.exists() and not any(one.iterdir()):  # an object store has no empty folders
            one.rmdir()
