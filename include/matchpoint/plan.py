"""The plan: what a run would do, row by row. It is frozen once made; apply executes exactly it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchpoint.errors import PlanError
from matchpoint.hashes import Hashes
from matchpoint.outcomes import Outcome
from matchpoint.record_files import schema_of, write_records
from matchpoint.run_folder import RunFolder, sha256

BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row of a plan.

    ``position`` counts the rows of the whole run from 0; ``extract`` is the extract's number and ``row`` the row
    number in it. ``code`` (see :mod:`matchpoint.findings`), ``field`` and ``detail`` say why. For updates and
    unchanged users ``user_id`` and ``version`` are the user as it was seen; for a row that is refused because of a
    user, ``user_id`` is the one to look at. ``changes`` and ``document`` are JSON: the changed fields, and the whole
    user to be written; a new user without document is the one that is staged. ``row_hash`` and ``user_hash`` are
    those of :mod:`matchpoint.staged`. ``facets`` is JSON, too: the facets that the user is left with when several
    profiles or rows made it (:func:`matchpoint.store.affiliations.as_text`); such a user is not in the row ledger.
    ``done`` marks a row this run applied earlier.
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
    row_hash: int | None = None
    user_hash: int | None = None
    changes: str | None = None
    document: str | None = None
    facets: str | None = None
    done: bool = False

    @property
    def writes(self) -> bool:
        """Whether applying it touches the store: a user, or only the ledger that makes the next run fast."""
        return not self.done and self.outcome in WRITTEN


WRITTEN = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})
"""Outcomes of rows that touch the store."""


_REFRESHED_AT_ONCE = 50_000
_REFRESH = pa.schema([("user_id", pa.int64()), ("row_hash", pa.int64())])


def write_plan(folder: RunFolder, rows: Iterable[PlanRow]) -> None:
    """Write ``plan.parquet``."""
    repeated = ("outcome", "code", "field")
    write_records(folder.path("plan.parquet"), PlanRow, rows, size=BATCH_ROWS, repeated=repeated)


def write_refreshed(folder: RunFolder, refreshed: Iterable[tuple[Hashes, Hashes]]) -> None:
    """Write ``refresh.parquet``: users, and the raw rows out of which they came as they were."""
    with folder.path("refresh.parquet").open("wb") as file, pq.ParquetWriter(file, _REFRESH) as writer:
        for user_ids, row_hashes in refreshed:
            writer.write_table(pa.table([user_ids, row_hashes], schema=_REFRESH))


def read_refreshed(folder: RunFolder) -> Iterator[tuple[list[int], list[int]]]:
    """Read users and hashes of their raw rows, batch by batch."""
    with folder.root.joinpath("refresh.parquet").open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(_REFRESHED_AT_ONCE):
            yield batch["user_id"].to_pylist(), batch["row_hash"].to_pylist()


def plan_sha256(folder: RunFolder) -> str | None:
    """Hash all that a plan is: rows, staged users, what is refreshed, leavers; None when a part is gone."""
    users = (
        folder.root.joinpath("users", f"{one.number:03}{kind}.parquet") for one in folder.extracts for kind in _KINDS
    )
    parts = [folder.root.joinpath("plan.parquet"), folder.root.joinpath("refresh.parquet")]
    if not all(one.exists() for one in parts):
        return None
    more = folder.root.joinpath("leavers.parquet")
    told = [f"{one.name} {sha256(one)}" for one in (*parts, *users, more) if one.exists()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


_KINDS = ("", ".woken")


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """Read ``plan.json``: run, profile, mode, as-of date, whether it is a dry run, hash and counts of the plan."""
    try:
        return dict(folder.read_json("plan.json"))
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no plan.json; run the task match_users first") from None


def read_plan(folder: RunFolder, outcomes: Collection[str] = frozenset(Outcome)) -> Iterator[PlanRow]:
    """Read the plan row by row; ``outcomes`` are those to be told of."""
    for batch in _batches(folder, schema_of(PlanRow).names):
        wanted = batch.filter(pc.is_in(batch["outcome"], pa.array(sorted(outcomes), pa.string())))
        yield from map(PlanRow, *(column.to_pylist() for column in wanted.columns))


def count_plan(folder: RunFolder) -> Counter[tuple[int, str]]:
    """Count the rows of the plan by number of the extract and outcome."""
    counts: Counter[tuple[int, str]] = Counter()
    for batch in _batches(folder, ["extract", "outcome"]):
        counts.update(zip(batch["extract"].to_pylist(), batch["outcome"].to_pylist(), strict=True))
    return counts


def _batches(folder: RunFolder, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        with folder.root.joinpath("plan.parquet").open("rb") as file:
            yield from pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=columns)
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no plan.parquet; run the task match_users first") from None
