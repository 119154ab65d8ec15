"""Rows of a delimited extract: those known by their raw form, and those to be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np
import pandas as pd

from matchpoint.findings import Finding
from matchpoint.hashes import Hashes
from matchpoint.known import Known, KnownRows
from matchpoint.profile.formats import CsvFormat
from matchpoint.read.frames import MENDED_COLUMNS, check_header
from matchpoint.read.plain_lines import read_records
from matchpoint.read.raw_records import NotLineWise, RawExtract, RawRecords, decoded, parse

CHUNK_ROWS = 6_000
"""Rows that are mapped together: enough that pandas is not asked too often, few enough to fit with others."""


class RawRows:
    """An extract of which only some rows are read. ``is_empty`` tells, after all were met, that it has none."""

    def __init__(self, file: IO[bytes], label: str, form: CsvFormat, columns: Iterable[str]) -> None:
        self._extract = RawExtract(file, label, form)
        self._form = form
        self._columns = list(columns)
        self._trailer = re.compile(form.trailer) if form.trailer else None
        self._header = check_header(self._extract.header, label, self._columns, f"row {form.skip_lines + 1}")
        self.raw_header = self._extract.raw_header
        self.is_empty = True

    def split(
        self, seed: int, known: Known, wanted: Hashes | None = None
    ) -> Iterator[tuple[KnownRows, RawRecords | None]]:
        """Give the known rows as they come, and the others in chunks; of ``wanted`` row numbers only, if given."""
        waiting: list[RawRecords] = []
        for block in self._extract.records(seed):
            records = block if wanted is None else block.only(np.isin(block.rows, wanted))
            users = known.users(records.hashes)
            there = users >= 0
            found = KnownRows(records.rows[there], users[there], records.hashes[there])
            waiting.append(records.only(~there) if there.any() else records)
            self.is_empty = self.is_empty and not there.any()
            if sum(len(one.lines) for one in waiting) >= CHUNK_ROWS:
                yield found, RawRecords.joined(waiting)
                waiting = []
            else:
                yield found, None
        yield KnownRows.none(), RawRecords.joined(waiting)

    def frame(self, records: RawRecords) -> tuple[pd.DataFrame, list[Finding]]:
        """Read records into a frame of the profile's columns; raises :class:`NotLineWise`."""
        if self._trailer:
            records = records.only(np.array([not self._is_trailer(line) for line in records.lines], dtype=bool))
        frame, ragged = read_records(records, self._extract.encoding, self._form, self._header, self._columns)
        self.is_empty = self.is_empty and not len(frame) and not ragged
        if self._form.columns and ragged and not len(frame):
            self._refuse_mended(records)
        return frame, ragged

    def _is_trailer(self, line: bytes) -> bool:
        begin = decoded(line, self._extract.encoding).partition(self._form.delimiter)[0]
        return bool(self._trailer and self._trailer.match(begin.strip(self._form.quote or "")))

    def _refuse_mended(self, records: RawRecords) -> None:
        """Leave a mended rejections file without header to the plain way: its rows have three columns more."""
        width = len(self._form.columns) + len(MENDED_COLUMNS)
        if any(len(one) == width for one in parse(records.lines, self._extract.encoding, self._form)):
            raise NotLineWise
