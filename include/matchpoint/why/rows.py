"""Rows of late runs that have an identifier of one person: from the store, and from the run folders that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, select

from matchpoint.errors import MatchpointError
from matchpoint.findings import TEXTS, Finding
from matchpoint.hashes import hashes_of
from matchpoint.known import KnownRows
from matchpoint.outcomes import Outcome
from matchpoint.plan import read_plan
from matchpoint.profile import Profile
from matchpoint.run_folder import AnyPath, Extract, RunFolder, folder_of
from matchpoint.store.tables import history, plan_rows, runs
from matchpoint.why.account import SeenRow
from matchpoint.why.raw import RawRow, read_raw

_LOADS = ("import", "synchronize")


@dataclass(frozen=True)
class Person:
    """Who is looked for: the numbers of the users, and all identifiers, case-folded."""

    user_ids: Sequence[int]
    keys: frozenset[str]


@dataclass(frozen=True)
class LoadRun:
    """A run of late, as the store knows it."""

    run_id: str
    profile: str
    mode: str
    as_of: date
    planned_at: datetime
    applied: bool


@dataclass
class Found:
    """What is known of a row: its outcome and reasons."""

    outcome: str = ""
    why: list[str] = field(default_factory=list)


def late_runs(connection: Connection, last: int) -> list[LoadRun]:
    """Give the last loads, the newest first."""
    columns = (runs.c.run_id, runs.c.profile, runs.c.mode, runs.c.as_of, runs.c.planned_at, runs.c.applied_at)
    query = select(*columns).where(runs.c.mode.in_(_LOADS)).order_by(runs.c.planned_at.desc()).limit(last)
    return [
        LoadRun(run_id, profile, mode, date.fromisoformat(as_of), planned_at, applied is not None)
        for run_id, profile, mode, as_of, planned_at, applied in connection.execute(query)
    ]


class Seeker:
    """Looks for the rows of one person, run by run. ``runs_home`` is where the run folders are, None for nowhere."""

    def __init__(
        self, connection: Connection, profiles: Mapping[str, Profile], runs_home: AnyPath | None, person: Person
    ) -> None:
        self._connection = connection
        self._profiles = profiles
        self._home = runs_home
        self._person = person
        self.newest: tuple[LoadRun, RawRow] | None = None
        self.notes: list[str] = []

    def rows(self, run: LoadRun) -> list[SeenRow]:
        """Give the rows of a run that have an identifier of the person."""
        found = dict(self._in_store(run))
        labels: dict[str, str] = {}
        folder = folder_of(self._home, run.run_id) if self._home is not None else None
        if folder is not None and folder.root.joinpath("manifest.json").exists():
            for extract in (one for one in folder.extracts if not one.join):
                labels[extract.sha256] = extract.label
                self._in_extract(run, folder, extract, found)
            _planned(folder, found)
        else:
            self.notes.append(f"{run.run_id}: the run folder is gone; rows that changed nothing are not told of")
        told = (run.run_id, run.profile, run.mode, run.planned_at.isoformat())
        return [
            SeenRow(*told, labels.get(extract, extract), row, one.outcome, one.why, run.applied)
            for (extract, row), one in sorted(found.items())
        ]

    def _in_store(self, run: LoadRun) -> Iterator[tuple[tuple[str, int], Found]]:
        ids = list(self._person.user_ids)
        columns = (history.c.run_id, history.c.extract, history.c.row, history.c.outcome)
        query = select(*columns).where(history.c.user_id.in_(ids)).order_by(history.c.version)
        for run_id, extract, row, outcome in self._connection.execute(query):
            if run_id == run.run_id and row is not None:
                yield (extract, row), Found(outcome)
        planned = (plan_rows.c.extract, plan_rows.c.row, plan_rows.c.outcome, plan_rows.c.code, plan_rows.c.field)
        query = select(*planned).where(plan_rows.c.run_id == run.run_id, plan_rows.c.user_id.in_(ids))
        for extract, row, outcome, *reason in self._connection.execute(query):
            yield (extract, row), Found(outcome, [_words(*reason)] if reason[0] else [])

    def _in_extract(
        self, run: LoadRun, folder: RunFolder, extract: Extract, found: dict[tuple[str, int], Found]
    ) -> None:
        mine = set(self._staged(folder, extract))
        mine |= {row for sha256, row in found if sha256 == extract.sha256}
        findings: dict[int, list[Finding]] = {}
        for finding in folder.findings(extract.number):
            findings.setdefault(finding.row, []).append(finding)
        rejected = {row for row, some in findings.items() if any(one.severity == "reject" for one in some)}
        raw = self._raw(run, folder, extract, mine | rejected)
        mine |= {row for row in rejected if row in raw and raw[row].keys & self._person.keys}
        for row in sorted(mine):
            one = found.setdefault((extract.sha256, row), Found())
            one.outcome = one.outcome or (Outcome.REJECTED if row in rejected else Outcome.UNCHANGED)
            one.why += [f"{told.field}: {told.message}" for told in findings.get(row, ())]
            if self.newest is None and row in raw:
                self.newest = run, raw[row]

    def _staged(self, folder: RunFolder, extract: Extract) -> Iterator[int]:
        """Find rows by the hashes of their identifiers, and those that were known to be the person's."""
        hashes = hashes_of(one.encode() for one in self._person.keys)
        for kind in ("", ".woken"):
            path = folder.root.joinpath("users", f"{extract.number:03}{kind}.parquet")
            if path.exists():
                with path.open("rb") as file:
                    for batch in pq.ParquetFile(file).iter_batches(columns=["row", "keys"]):
                        owners = pc.list_parent_indices(batch["keys"]).to_numpy()
                        hit = np.unique(owners[np.isin(batch["keys"].flatten().to_numpy(), hashes)])
                        yield from batch["row"].to_numpy()[hit].tolist()
        if folder.root.joinpath("known", f"{extract.number:03}.parquet").exists():
            known = KnownRows.read(folder, extract)
            yield from known.rows[np.isin(known.user_ids, np.array(self._person.user_ids, dtype=np.int64))].tolist()

    def _raw(self, run: LoadRun, folder: RunFolder, extract: Extract, wanted: set[int]) -> dict[int, RawRow]:
        profile = self._profiles.get(run.profile)
        if profile is None or not wanted:
            return {}
        try:
            return read_raw(folder, extract, profile, run.as_of, wanted)
        except MatchpointError:
            self.notes.append(f"{run.run_id}: the extract cannot be read by the profile as it is now")
            return {}


def _planned(folder: RunFolder, found: dict[tuple[str, int], Found]) -> None:
    """Take outcomes and reasons from the plan where the store does not have them."""
    if not found or not folder.root.joinpath("plan.parquet").exists():
        return
    hashes = {one.number: one.sha256 for one in folder.extracts}
    for row in read_plan(folder):
        one = found.get((hashes[row.extract], row.row))
        if one is not None:
            one.outcome = row.outcome
            if row.code and (not one.why or row.user_id is not None):  # else the findings tell it better
                one.why = [f"{_words(row.code, row.field)}{f': {row.detail}' if row.detail else ''}"]


def _words(code: str, name: str | None) -> str:
    return f"{name}: {TEXTS.get(code, code)}" if name else TEXTS.get(code, code)
