"""The feed of a run: the transformed rows of all its extracts, in the order in which they are to be taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchpoint.findings import Finding
from matchpoint.plan import BATCH_ROWS
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store.staging import StagedRow

Staged = dict[str, Any]
"""A row of ``users/NNN.parquet`` with its position in the run and its extract."""


class Feed:
    """The rows of a run. ``groups`` are its extracts, those first whose rows come first."""

    def __init__(self, folder: RunFolder, groups: list[list[Extract]]) -> None:
        self._folder = folder
        self._groups = groups

    def identified(self) -> Iterator[StagedRow]:
        """Give what matching needs of every row."""
        for row in self.rows(["row", "identifiers", "source_hash"]):
            yield row["position"], row["extract"].sha256, row["row"], row["source_hash"], row["identifiers"]

    def rows(self, columns: list[str]) -> Iterator[Staged]:
        """Give the users of all extracts, numbered through the whole run: group by group, in it rank by rank."""
        rows = (
            (extract, row)
            for group in self._groups
            for rank in sorted({one for extract in group for one in self._ranks(extract)})
            for extract in group
            for row in self._read(extract, columns, rank)
        )
        for position, (extract, row) in enumerate(rows):
            yield {**row, "position": position, "extract": extract}

    def rejected(self) -> Iterator[tuple[int, int, str, str, str]]:
        """Give the rows that transform rejected, each once: extract, row, code and field of the first reason, detail.

        The detail tells the other reasons, too.
        """
        for extract in sorted((one for group in self._groups for one in group), key=lambda one: one.number):
            by_row: dict[int, list[Finding]] = {}
            for finding in self._folder.findings(extract.number):
                if finding.severity == "reject":
                    by_row.setdefault(finding.row, []).append(finding)
            for row in sorted(by_row):
                first, *others = by_row[row]
                detail = "; and ".join([first.detail, *(f"{other.field}: {other.message}" for other in others)])
                yield extract.number, row, first.code, first.field, detail

    def _ranks(self, extract: Extract) -> list[int]:
        with self._folder.root.joinpath("users", f"{extract.number:03}.parquet").open("rb") as file:
            return list(pc.unique(pq.read_table(file, columns=["rank"])["rank"]).to_pylist())

    def _read(self, extract: Extract, columns: list[str], rank: int) -> Iterator[dict[str, Any]]:
        with self._folder.root.joinpath("users", f"{extract.number:03}.parquet").open("rb") as file:
            for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=[*columns, "rank"]):
                wanted = batch.filter(pc.equal(batch["rank"], rank))
                for row in wanted.drop_columns(["rank"]).to_pylist():
                    row["identifiers"] = orjson.loads(row["identifiers"])
                    yield row
