"""The report of a refresh of code tables: the codes that profiles use and Alma lacks. It names nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from matchpoint.amounts import counted
from matchpoint.report.job import Job, write_listed
from matchpoint.run_folder import RunFolder
from matchpoint.used_codes import Used

LIST = "missing_codes.csv"


def write_missing(folder: RunFolder, missing: Mapping[str, Mapping[Used, int]]) -> None:
    """Write the review list, one line for each code of a profile."""
    rows = (
        [profile, one.table, one.field, one.code, str(people)]
        for profile, codes in missing.items()
        for one, people in codes.items()
    )
    write_listed(folder, LIST, ["profile", "table", "field", "code", "people"], rows)


def codes_job(missing: Mapping[str, Mapping[Used, int]], tables: int, *, as_of: date, run_id: str) -> Job:
    """Give the report of a refresh of so many tables; beside each code the people who have a default instead."""
    lacking = sum(map(len, missing.values()))
    rows = [
        (f"{profile}: {one.field} {one.code} is not in {one.table}", people)
        for profile, codes in missing.items()
        for one, people in codes.items()
    ]
    return Job(
        title="Code tables: refresh",
        sentence=f"{counted(tables, 'table')} read; {counted(lacking, 'code')} used by profiles and not in Alma.",
        dry_run=False,
        actor="code_tables_refresh",
        as_of=as_of.isoformat(),
        run_id=run_id,
        left={},
        listed=LIST,
        tables=(("Codes that Alma lacks", rows),),
    )
