"""The events of a SIS job: one for each rejected user, in Alma's words (reference 3.7).

They hold the data of people, as Alma's do; they go to who asks with a key, and into no log. A conflict and a row
that the database refused are rejections for Alma, which has no such words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete

from matchpoint.alma.identifiers import identifiers
from matchpoint.alma.xml_files import read_users
from matchpoint.chunks import chunks
from matchpoint.findings import TEXTS
from matchpoint.outcomes import Outcome
from matchpoint.plan import read_plan
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store import writing
from matchpoint.store.job_tables import job_events

REFUSED = frozenset({Outcome.REJECTED, Outcome.CONFLICT, Outcome.FAILED})
"""Outcomes that Alma counts as rejected."""
_TAKEN = re.compile(r"identifier of (type .+? and value .+?)(?:; look at .*)?", re.DOTALL)
_ENDS = {
    "taken": " is already taken AcrossInstitution",
    "taken_in_feed": " is already taken AcrossInstitution in this feed",
}
Parameter = tuple[str, str]


class Refusal(NamedTuple):
    """Why a row did not go through: code, field and detail of its finding."""

    code: str
    field: str
    detail: str


def message_of(refusal: Refusal) -> str:
    """Give Alma's words for a refusal; where none are known to us, our own and the field."""
    taken = _TAKEN.fullmatch(refusal.detail)
    if refusal.code in _ENDS and taken:
        return f"Identifier of {taken[1]}{_ENDS[refusal.code]}"
    text = TEXTS[refusal.code]
    if refusal.code == "not_external" or not refusal.field:
        return text
    return f"{text}: {refusal.field}"


def keep_events(engine: Engine, instance: int, folder: RunFolder, now: datetime) -> None:
    """Keep the events of a run for an instance, instead of those that it had."""
    columns = ["instance_id", "number", "at", "message", "parameters"]
    with writing(engine).begin() as connection:
        connection.execute(delete(job_events).where(job_events.c.instance_id == instance))
        _insert(connection, columns, folder, instance, now)


def _insert(connection: Connection, columns: list[str], folder: RunFolder, instance: int, now: datetime) -> None:
    numbered = enumerate(events_of(folder), start=1)
    rows = (dict(zip(columns, (instance, n, now, *one), strict=True)) for n, one in numbered)
    for some in chunks(rows, 1_000):
        connection.execute(job_events.insert(), some)


def events_of(folder: RunFolder) -> Iterator[tuple[str, list[Parameter]]]:
    """Give for each row that did not go through its message and parameters, extract by extract, row by row.

    Parameters tell the sender who it is: ``file`` (the zip), ``member`` (the XML in it), ``row`` (the n-th ``<user>``
    there), and the identifiers by type, ``primary_id`` first. The names are ours; Alma's are not found.
    """
    by_extract = _refusals(folder)
    for extract in folder.extracts:
        yield from _of_extract(folder, extract, by_extract.get(extract.number, {}))


def _refusals(folder: RunFolder) -> dict[int, dict[int, Refusal]]:
    came = {position: (outcome, code) for position, outcome, code in folder.read_lines("applied.jsonl")}
    refused: dict[int, dict[int, Refusal]] = {}
    for row in read_plan(folder, frozenset(Outcome) if came else REFUSED):
        outcome, code = came.get(row.position, (row.outcome, row.code))
        if outcome in REFUSED:
            why = Refusal(code or "", "" if row.position in came else row.field or "", row.detail or "")
            refused.setdefault(row.extract, {})[row.row] = why
    return refused


def _of_extract(
    folder: RunFolder, extract: Extract, refused: dict[int, Refusal]
) -> Iterator[tuple[str, list[Parameter]]]:
    if not refused:
        return
    with folder.root.joinpath(extract.path).open("rb") as file:
        for number, user in enumerate(read_users(file, extract.label), start=1):
            if number in refused:
                place = [("file", extract.name), ("member", extract.member or ""), ("row", str(number))]
                yield message_of(refused[number]), [*place, *identifiers(user)]
