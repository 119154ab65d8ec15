"""What the run folders that are kept hold on one person: rows of extracts, and what became of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import IO, Any

import orjson
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchpoint.alma.identifiers import identifiers, key
from matchpoint.errors import MatchpointError
from matchpoint.plan import read_plan
from matchpoint.profile import AlmaXmlFormat, JsonFormat, Profile
from matchpoint.profile.formats import FixedWidthFormat
from matchpoint.profile.joins import side_columns
from matchpoint.read.alma_xml import read_alma_xml
from matchpoint.read.frames import unguard
from matchpoint.read.rows import read_rows
from matchpoint.retention import purged_at
from matchpoint.run_folder import AnyPath, Extract, RunFolder

PASSWORDS = "one_time_passwords.csv"
Rows = dict[int, dict[str, Any]]
"""What is found of a person in an extract, by row number."""


def held_in_run(
    folder: RunFolder, profile: Profile | None, keys: set[str], loaded: set[tuple[str, int]]
) -> dict[str, Any]:
    """Give what one run folder holds on a person.

    ``keys`` are the person's identifiers, case-folded: a row is theirs when one of its values is one of them. So are
    the rows ``loaded``, by SHA-256 of the extract and row number. What cannot be looked through is told under
    ``not_looked_at``.
    """
    found: dict[str, Any] = {"extracts": [], "lists": list(_lists(folder, keys)), "not_looked_at": []}
    for extract in _extracts(folder):
        path = folder.root.joinpath(extract.path)
        if not path.exists():
            continue  # its clock has run out
        try:
            if profile is None:
                raise MatchpointError("its profile is not there any more")
            rows = _of_person(path, extract, profile, keys, {row for sha, row in loaded if sha == extract.sha256})
        except MatchpointError as error:
            found["not_looked_at"].append(f"{extract.label}: {error}")
            continue
        if rows:
            _add_outcomes(folder, extract, rows)
            numbered = [{"row": number, **said} for number, said in sorted(rows.items())]
            of_file = {"file": extract.label, "remote": extract.remote, "sha256": extract.sha256}
            found["extracts"].append({**of_file, "rows": numbered})
    said = {name: value for name, value in found.items() if value}
    return {"extracts_deleted_at": purged_at(folder), **said} if said else {}


def _extracts(folder: RunFolder) -> list[Extract]:
    try:
        return folder.extracts
    except FileNotFoundError:
        return []


def _of_person(path: AnyPath, extract: Extract, profile: Profile, keys: set[str], loaded: set[int]) -> Rows:
    form = profile.format
    with path.open("rb") as file:
        if isinstance(form, AlmaXmlFormat):
            some = ((row, user) for row, user, _ in read_alma_xml(file, extract.label, form))
            return {
                row: {"values": user}
                for row, user in some
                if row in loaded or keys & {key(value) for _, value in identifiers(user)}
            }
        rows: Rows = {}
        for frame in _frames(file, extract, profile):
            cells = frame.apply(lambda column: column.str.strip().str.casefold())
            theirs = cells.isin(keys).any(axis=1) | frame.index.isin(list(loaded))
            for row, values in frame[theirs].to_dict("index").items():
                rows[int(str(row))] = {"values": values}
        return rows


def _frames(file: IO[bytes], extract: Extract, profile: Profile) -> Iterator[pd.DataFrame]:
    """Read all columns that an extract has, or, where a format has none of its own, those that the profile reads."""
    join = profile.joins.get(extract.join)
    if extract.join and join is None:
        raise MatchpointError(f"the profile has no join {extract.join} any more")
    form: Any = join.format if join else profile.format
    wanted: list[str] = []
    if isinstance(form, JsonFormat | FixedWidthFormat):
        of_join = [one.column for one in side_columns(profile.columns, profile.joins) if one.join == extract.join]
        wanted = [join.key, *of_join] if join else profile.person_columns
    for frame, _ in read_rows(file, extract.label, form, wanted):
        yield frame


def _add_outcomes(folder: RunFolder, extract: Extract, rows: Rows) -> None:
    """Add to each row what the run planned for it and why, and the user that was made of it."""
    if folder.root.joinpath("plan.parquet").exists():
        for planned in read_plan(folder):
            if planned.extract == extract.number and planned.row in rows:
                changes = orjson.loads(planned.changes) if planned.changes else None
                why = {"outcome": planned.outcome, "code": planned.code, "field": planned.field}
                rows[planned.row] |= {**why, "detail": planned.detail, "changes": changes}
    for finding in folder.findings(extract.number):
        if finding.row in rows:
            rows[finding.row].setdefault("findings", []).append(f"{finding.field}: {finding.message}")
    for kind in ("", ".woken"):
        path = folder.root.joinpath("users", f"{extract.number:03}{kind}.parquet")
        if path.exists():
            with path.open("rb") as file:
                staged = pq.read_table(file, columns=["row", "user"])
            theirs = staged.filter(pc.is_in(staged["row"], pc.cast(list(rows), "int64")))
            for row, user in zip(theirs["row"].to_pylist(), theirs["user"].to_pylist(), strict=True):
                rows[row]["user"] = orjson.loads(user)


def _lists(folder: RunFolder, keys: set[str]) -> Iterator[dict[str, Any]]:
    """Give the lines of lists that jobs left, such as who was not purged; of a one-time password only that it is."""
    of_extracts = (folder.root / "manifest.json").exists()  # rejections files of a load are rows of its extracts
    lists: list[AnyPath] = [] if of_extracts else sorted(folder.root.joinpath("rejections").glob("*.csv"), key=str)
    lists.append(folder.root / PASSWORDS)
    for path in (one for one in lists if one.exists()):
        with path.open("r", encoding="utf-8", newline="") as file:
            for line in csv.reader(file):
                cells = [unguard(cell) for cell in line]
                if cells and key(cells[0]) in keys:
                    shown = [cells[0], "(a password)"] if path.name == PASSWORDS else cells
                    yield {"file": path.name, "line": shown}


ProfileOf = Callable[[str], Profile | None]
"""Gives a profile by its code; None when it is not there."""
