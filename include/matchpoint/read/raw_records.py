"""The raw records of a delimited extract, each with a hash: what was loaded before need not be parsed again.

A record is a line, or the lines that a quoted line break holds together. That is found by counting quotes, which is
fast and nearly always right; whoever parses a record makes sure of it (:func:`parse`), and where it was wrong the
extract is read the plain way. A record that is only recognised was parsed, and found to be one, when it was loaded.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from matchpoint.hashes import Hashes, hashes_of
from matchpoint.profile.formats import CsvFormat
from matchpoint.read.delimited import dialect_of
from matchpoint.read.encoding import settle_encoding
from matchpoint.read.frames import MENDED_COLUMNS

BLOCK = 2 << 20
"""Bytes read at a time."""


_NONE: Hashes = np.array([], dtype=np.int64)


class NotLineWise(Exception):  # noqa: N818 (no error: the extract is read another way)
    """Records are not where the quotes say."""


@dataclass(frozen=True)
class RawRecords:
    """Some records of an extract: the bytes of each, its row number, its hash."""

    lines: Sequence[bytes]
    rows: Hashes
    hashes: Hashes

    @classmethod
    def joined(cls, some: Sequence[RawRecords]) -> RawRecords:
        """Put records together that follow one another."""
        if len(some) == 1:
            return some[0]
        rows = np.concatenate([_NONE, *(one.rows for one in some)])
        hashes = np.concatenate([_NONE, *(one.hashes for one in some)])
        return cls([line for one in some for line in one.lines], rows, hashes)

    def only(self, wanted: np.ndarray[Any, np.dtype[np.bool_]]) -> RawRecords:
        """Give some of them."""
        places = np.flatnonzero(wanted)
        return RawRecords([self.lines[place] for place in places.tolist()], self.rows[places], self.hashes[places])


class RawExtract:
    """A delimited extract by its raw records. ``header`` are the names of its columns."""

    def __init__(self, file: IO[bytes], name: str, form: CsvFormat) -> None:
        self._file = file
        self._form = form
        self._quote = (form.quote or "").encode()
        self.encoding = settle_encoding(file, name, form.encoding)
        if form.comment or form.escape or not is_ascii_based(self.encoding):
            raise NotLineWise
        for _ in range(form.skip_lines):
            file.readline()
        self._first_row = form.skip_lines + 1
        self.raw_header = b""
        self.header = form.columns or self._read_header()
        if set(MENDED_COLUMNS) <= set(self.header):
            raise NotLineWise

    def _read_header(self) -> list[str]:
        self._first_row += 1
        self.raw_header = self._file.readline()
        if b"\r" in self.raw_header.rstrip(b"\r\n"):
            raise NotLineWise
        [record] = parse([self.raw_header.rstrip(b"\r\n")], self.encoding, self._form)
        return [column.strip() for column in record]

    def records(self, seed: int) -> Iterator[RawRecords]:
        """Give all records block by block, hashed under a seed."""
        row, rest = self._first_row, b""
        while True:
            data = self._file.read(BLOCK)
            lines, rest = self._lines(rest + data, last=not data)
            if lines:
                yield RawRecords(lines, np.arange(row, row + len(lines), dtype=np.int64), hashes_of(lines, seed))
                row += len(lines)
            if not data:
                return

    def _lines(self, data: bytes, *, last: bool) -> tuple[list[bytes], bytes]:
        """Cut whole records out of data; give them and the beginning of the next one."""
        end = len(data) if last else data.rfind(b"\n") + 1
        lines, rest = data[:end].splitlines(), b""
        if self._quote and self._quote in data and any(line.count(self._quote) & 1 for line in lines):
            lines, rest = held_together(data[:end].splitlines(keepends=True), self._quote)
            if len(rest) > BLOCK:  # a quote that never closes: the plain way tells where
                raise NotLineWise
            if last and rest:
                return [*lines, rest], b""
        return lines, rest + data[end:]


def held_together(lines: list[bytes], quote: bytes) -> tuple[list[bytes], bytes]:
    """Join lines between which a quote is open; give the records, and what is still open at the end."""
    records: list[bytes] = []
    held: list[bytes] = []
    is_open = False
    for line in lines:
        held.append(line)
        is_open ^= bool(line.count(quote) & 1)
        if not is_open:
            records.append(b"".join(held).rstrip(b"\r\n"))
            held = []
    return records, b"".join(held)


def parse(lines: Sequence[bytes], encoding: str, form: CsvFormat) -> list[list[str]]:
    """Parse raw records, and make sure that each is one. Raises :class:`NotLineWise` where one is not."""
    reader = csv.reader(io.StringIO(decoded(b"\n".join(lines), encoding), newline=""), **dialect_of(form))
    try:
        records = list(reader)
    except csv.Error:
        raise NotLineWise from None
    if len(records) == len(lines) == reader.line_num:
        return records
    return [_parse_one(line, encoding, form) for line in lines]


def _parse_one(line: bytes, encoding: str, form: CsvFormat) -> list[str]:
    try:
        records = list(csv.reader(io.StringIO(decoded(line, encoding), newline=""), **dialect_of(form)))
    except csv.Error:
        raise NotLineWise from None
    if len(records) > 1:
        raise NotLineWise
    return records[0] if records else []


def decoded(raw: bytes, encoding: str) -> str:
    """Decode raw records; raises :class:`NotLineWise` for a wrong byte."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise NotLineWise from None


def is_ascii_based(encoding: str) -> bool:
    """Tell whether a byte below 128 is always that character: then lines and quotes are seen without decoding."""
    name = codecs.lookup(encoding).name
    return name.startswith(("utf-8", "ascii", "iso8859", "cp125", "koi8", "mac-"))
