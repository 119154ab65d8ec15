"""The feed of a run: the staged rows of all its extracts, in the order in which they are to be taken.

Rows that are known, and stay so, are no part of it; they only count. One that is met after all was woken
(:mod:`matchpoint.standing`) and comes in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchpoint.findings import Finding
from matchpoint.hashes import Hashes
from matchpoint.plan import read_summary
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.staged import SCHEMA

BATCH_ROWS = 5_000


class Staged(NamedTuple):
    """A row of the feed: its place in the run, its extract, and what :data:`matchpoint.staged.SCHEMA` says of it."""

    position: int
    extract: Extract
    row: int
    identifiers: str
    row_hash: int | None
    user_hash: int


_OF_ROW = [name for name in Staged._fields if name not in {"position", "extract"}]


class Feed:
    """The rows of a run. ``groups`` are its extracts, those first whose rows come first."""

    def __init__(self, folder: RunFolder, groups: list[list[Extract]]) -> None:
        self._folder = folder
        self._groups = groups

    @classmethod
    def planned(cls, folder: RunFolder) -> Feed:
        """Give the feed of a run in the order in which its plan took it."""
        extracts = {extract.number: extract for extract in folder.extracts}
        return cls(folder, [[extracts[number] for number in group] for group in read_summary(folder)["order"]])

    @property
    def extracts(self) -> list[Extract]:
        """The extracts by number."""
        return sorted((one for group in self._groups for one in group), key=lambda one: one.number)

    @property
    def order(self) -> list[list[int]]:
        """The numbers of the extracts as they are grouped."""
        return [[one.number for one in group] for group in self._groups]

    def batches(self, columns: list[str]) -> Iterator[tuple[int, Extract, pa.RecordBatch]]:
        """Give the rows in batches with the position of their first: group by group, in it rank by rank."""
        position = 0
        for group in self._groups:
            for rank in sorted({one for extract in group for one in self._ranks(extract)}):
                for extract in group:
                    for batch in self._read(extract, columns, rank):
                        yield position, extract, batch
                        position += batch.num_rows

    def at(self, positions: Hashes, column: str) -> Iterator[pa.Array]:
        """Give a column of the rows at some positions, which are in order, batch by batch; others have none here."""
        if not len(positions):
            return
        for first, _, batch in self.batches([column]):
            begin, end = np.searchsorted(positions, [first, first + batch.num_rows])
            if begin < end:
                yield batch[column].take(pa.array(positions[begin:end] - first))

    def rows(self) -> Iterator[tuple[list[Staged], pa.Array]]:
        """Give the rows, batch by batch, and apart from them, since few are looked at, the users as JSON."""
        for first, extract, batch in self.batches([*_OF_ROW, "user"]):
            columns = [batch[name].to_pylist() for name in _OF_ROW]
            rows = [Staged(first + n, extract, *values) for n, values in enumerate(zip(*columns, strict=True))]
            yield rows, batch["user"]

    def rejected(self) -> Iterator[tuple[int, int, str, str, str]]:
        """Give the rows that transform rejected, each once: extract, row, code and field of the first reason, detail.

        The detail tells the other reasons, too.
        """
        for extract in self.extracts:
            by_row: dict[int, list[Finding]] = {}
            for finding in self._folder.findings(extract.number):
                if finding.severity == "reject":
                    by_row.setdefault(finding.row, []).append(finding)
            for row in sorted(by_row):
                first, *others = by_row[row]
                detail = "; and ".join([first.detail, *(f"{other.field}: {other.message}" for other in others)])
                yield extract.number, row, first.code, first.field, detail

    def _ranks(self, extract: Extract) -> list[int]:
        files = (self._file(extract, ""), self._file(extract, ".woken"))
        tables = [_table(file, ["rank"]) for file in files if file.exists()]
        return list(pc.unique(pa.concat_tables(tables)["rank"]).to_pylist())

    def _read(self, extract: Extract, columns: list[str], rank: int) -> Iterator[pa.RecordBatch]:
        names = list(dict.fromkeys([*columns, "row", "rank"]))
        woken = _of_rank(_table(self._file(extract, ".woken"), names), rank)
        with self._file(extract, "").open("rb") as file:
            for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=names):
                some = _of_rank(pa.table(batch), rank)
                if not some.num_rows:
                    continue
                last = some["row"][-1].as_py()
                before = woken.filter(pc.less(woken["row"], last))
                woken = woken.slice(before.num_rows)
                yield from _in_order(some, before)
        yield from _in_order(woken, woken.slice(0, 0))

    def _file(self, extract: Extract, kind: str) -> Any:
        return self._folder.root.joinpath("users", f"{extract.number:03}{kind}.parquet")


def _table(file: Any, columns: list[str]) -> pa.Table:
    if not file.exists():
        return SCHEMA.empty_table().select(columns)
    with file.open("rb") as opened:
        return pq.read_table(opened, columns=columns)


def _of_rank(table: pa.Table, rank: int) -> pa.Table:
    if not pc.any(pc.not_equal(table["rank"], rank)).as_py():
        return table
    return table.filter(pc.equal(table["rank"], rank))


def _in_order(some: pa.Table, others: pa.Table) -> Iterator[pa.RecordBatch]:
    """Give rows and others of the same extract in the order of their numbers, in batches."""
    table = pa.concat_tables([some, others]).sort_by("row") if others.num_rows else some
    for start in range(0, table.num_rows, BATCH_ROWS):
        yield table.slice(start, BATCH_ROWS).combine_chunks().to_batches()[0]
