"""A plan as CSV: every row that does something, in the order of the plan, so that two plans can be compared."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import orjson

from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow, read_plan
from matchpoint.read.frames import guard
from matchpoint.run_folder import RunFolder

COLUMNS = ["file", "row", "outcome", "user", "fields", "reason", "field"]


def plan_table(folder: RunFolder) -> Iterator[str]:
    """Give the plan of a run line by line, as CSV with a header.

    ``user`` is the store's number of a user who is there already, ``fields`` are those that change, ``reason`` and
    ``field`` say why a row is not accepted. No value of a row stands in it. Unchanged rows are left out.
    """
    labels = {extract.number: guard(extract.label) for extract in folder.extracts}
    yield _line(COLUMNS)
    for row in read_plan(folder, frozenset(Outcome) - {Outcome.UNCHANGED}):
        yield _line(_columns(row, labels))


def _columns(row: PlanRow, labels: dict[int, str]) -> list[object]:
    fields = " ".join(sorted(orjson.loads(row.changes))) if row.changes else ""
    place = guard(row.field or "")
    return [labels[row.extract], row.row, row.outcome, row.user_id or "", fields, row.code or "", place]


def _line(values: list[object] | list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(values)
    return out.getvalue()
