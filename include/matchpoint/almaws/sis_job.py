"""What a SIS job of the Alma double does: the zips of a folder through import or synchronize, as Alma does it.

There is no guard, for Alma has none. A zip is renamed to ``.handled`` when the job ends, also when it cannot be
read: Alma renames what it picks up (reference 3.2, 3.5). The run's id is made of the files, so that a job that was
killed goes on where it was when it is run again on the same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from matchpoint.almaws.folder import Folder
from matchpoint.almaws.jobs import Job
from matchpoint.apply_plan import apply_plan
from matchpoint.errors import ExtractError
from matchpoint.fetch import HANDLED, UNFINISHED, RemoteFile, handled_name, keep
from matchpoint.make_plan import make_plan
from matchpoint.make_receipt import make_receipt
from matchpoint.read.archive import is_zip
from matchpoint.run_folder import AnyPath, Extract, RunFolder, folder_of, sha256
from matchpoint.store.code_tables import load_code_tables
from matchpoint.store.ledger import applied_by, note_receipt, was_applied
from matchpoint.store.row_ledger import known_to
from matchpoint.transform import transform_extract

ZIPS_PER_RUN = 20
"""Alma's limit (reference 3.5). What Alma does with more is not found; here they are loaded, and an alert says so."""
NOT_PARSED = "Could not parse file"
"""Alma's words for a file that is no zip of XML."""


@dataclass(frozen=True)
class Done:
    """What a job did: its run, counts by outcome (none when nothing was loaded), and what is wrong with files."""

    run_id: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    failed: bool = False


def run_job(job: Job, engine: Engine, folder: Folder, runs: AnyPath, clock: Callable[[], datetime]) -> Done:
    """Load the zips of a folder that are not handled yet, in the order of their names.

    ``runs`` is the place of all run folders. One file that cannot be read fails the whole job, and nothing is loaded.
    """
    files = sorted(_waiting(folder), key=lambda one: one.name)
    run_id = run_id_of(job, folder, files)
    load = _Load(job, engine, folder, folder_of(runs, run_id), run_id)
    alerts = [] if len(files) <= ZIPS_PER_RUN else [f"found {len(files)} files; Alma takes {ZIPS_PER_RUN} in a run"]
    try:
        done = Done(run_id, load.counts_of(files, clock) if files else {}, alerts)
    except ExtractError as error:
        done = Done(run_id, {}, [*alerts, f"{NOT_PARSED}: {error}"], failed=True)
    _rename(folder, files)
    return done


def run_id_of(job: Job, folder: Folder, files: list[RemoteFile]) -> str:
    """Give the id of the run that loads these files: the same for the same names, sizes and times."""
    told = "\n".join(f"{folder.path(one.name)} {one.size} {one.modified}" for one in files)
    return f"alma_{job.mode}__{job.profile.code}/{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _waiting(folder: Folder) -> Iterator[RemoteFile]:
    for one in folder.files():
        if not one.name.startswith(".") and not one.name.lower().endswith((*UNFINISHED, HANDLED)):
            yield one


def _rename(folder: Folder, files: list[RemoteFile]) -> None:
    taken = {one.name for one in folder.files()}
    for one in files:
        name = handled_name(one.name, one.modified, taken)
        folder.rename(one.name, name)
        taken.add(name)


@dataclass(frozen=True)
class _Load:
    """The load of a folder's files by a job, in a run folder."""

    job: Job
    engine: Engine
    folder: Folder
    work: RunFolder
    run_id: str

    def counts_of(self, files: list[RemoteFile], clock: Callable[[], datetime]) -> dict[str, int]:
        """Load files, and give the counts by outcome; none when all of them were loaded by other runs."""
        if not was_applied(self.engine, self.run_id):
            extracts: list[Extract] = []
            for file in files:
                extracts += self._fetch(file, len(extracts))
            if not extracts:
                return {}
            self.work.write_manifest(extracts)
            self._write(clock())
        receipt = make_receipt(self.work, self.job.profile, now=clock())
        note_receipt(self.engine, self.run_id, receipt.as_dict())
        return receipt.total

    def _fetch(self, file: RemoteFile, first: int) -> list[Extract]:
        """Take one zip; none of it when this very file was loaded before, and only not renamed any more."""
        copy = self.work.path("fetched", f"{first:03}_copy")
        self.folder.copy(file, copy)
        try:
            if self._was_loaded(file, sha256(copy)):
                return []
            with copy.open("rb") as opened:
                if not is_zip(opened.read(4)):
                    raise ExtractError(file.name, "a file that is no zip", "a zip of XML files", "Zip it.")
            remote = self.folder.path(file.name)
            return keep(self.work, copy, remote, file.modified, first, profile=self.job.profile)
        finally:
            copy.unlink()

    def _was_loaded(self, file: RemoteFile, content: str) -> bool:
        profile, mode, name = self.job.profile.code, self.job.mode, self.folder.path(file.name)
        before = applied_by(
            self.engine, profile=profile, mode=mode, name=name, modified=file.modified, sha256=content
        )
        return before is not None

    def _write(self, now: datetime) -> None:
        profile, mode, day = self.job.profile, self.job.mode, now.date()
        known, tables = known_to(self.engine, profile.code, mode, self.run_id), load_code_tables(self.engine)
        for extract in self.work.extracts:
            transform_extract(self.work, extract, profile, day, tables, known=known)
        how: dict[str, Any] = {"mode": mode, "run_id": self.run_id, "as_of": day.isoformat(), "dry_run": False}
        make_plan(self.work, self.engine, profile, now=now, **how)
        apply_plan(self.work, self.engine, now=now)
