"""The plan: what a run would do, row by row. It is frozen once made; apply executes exactly it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from matchpoint.chunks import chunks
from matchpoint.errors import PlanError
from matchpoint.outcomes import Outcome
from matchpoint.run_folder import RunFolder, sha256

BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row of a plan.

    ``position`` counts the rows of the whole run from 0; ``extract`` is the extract's number and ``row`` the row
    number in it. ``code`` (see :mod:`matchpoint.findings`), ``field`` and ``detail`` say why. For updates and
    changes of hash ``user_id`` and ``version`` are the user as it was seen; for a row that is refused because of a
    user, ``user_id`` is the one to look at. ``changes`` and ``document`` are JSON:
    the changed fields, and the whole user to be written. ``done`` marks a row this run applied earlier.
    """

    position: int
    extract: int
    row: int
    outcome: str
    code: str | None = None
    field: str | None = None
    detail: str | None = None
    user_id: int | None = None
    version: int | None = None
    source_hash: str | None = None
    changes: str | None = None
    document: str | None = None
    done: bool = False

    @property
    def writes(self) -> bool:
        """Whether applying it touches the store: a user, or only the hash that makes the next run fast."""
        if self.done:
            return False
        return self.document is not None or (self.outcome == Outcome.UNCHANGED and self.version is not None)


_TYPES = {"int": pa.int64(), "str": pa.string(), "bool": pa.bool_()}
SCHEMA = pa.schema([(one.name, _TYPES[str(one.type).split(" |")[0]]) for one in fields(PlanRow)])


def write_plan(folder: RunFolder, rows: Iterable[PlanRow]) -> str:
    """Write ``plan.parquet`` and give its SHA-256."""
    path = folder.path("plan.parquet")
    with path.open("wb") as file, pq.ParquetWriter(file, SCHEMA) as writer:
        for batch in chunks(rows, BATCH_ROWS):
            columns = {name: [getattr(row, name) for row in batch] for name in SCHEMA.names}
            writer.write_table(pa.table(columns, schema=SCHEMA))
    return sha256(path)


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """Read ``plan.json``: run, profile, mode, as-of date, whether it is a dry run, hash and counts of the plan."""
    try:
        return dict(folder.read_json("plan.json"))
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no plan.json; run the task match_users first") from None


def read_plan(folder: RunFolder) -> Iterator[PlanRow]:
    """Read the plan row by row."""
    try:
        with folder.root.joinpath("plan.parquet").open("rb") as file:
            for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS):
                yield from map(PlanRow, *(column.to_pylist() for column in batch.columns))
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no plan.parquet; run the task match_users first") from None
