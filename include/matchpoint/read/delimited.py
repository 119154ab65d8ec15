"""Reading delimited text into frames of strings, row by row accounted for.

Everything is a string: "007" and "Null" are people. The row number is the one a spreadsheet shows: the first line is
row 1, and a quoted line break inside a value does not count.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import IO, Any

import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile.formats import CsvFormat
from matchpoint.read.frames import CHUNK_ROWS, MENDED_COLUMNS, check_header, guard, make_frame, unguard
from matchpoint.read.text import open_text


def read_delimited(
    file: IO[bytes], name: str, form: CsvFormat, wanted: Iterable[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """Read an extract in chunks.

    ``wanted`` are the columns that the profile reads. Each chunk is a frame of strings, one column per column of
    the extract, indexed by row number, with the findings of ragged rows, which are not in the frame. Raises
    :class:`ExtractError` when the file as a whole cannot be read: empty, wrong encoding, no such columns, a
    header name twice, a quote that never closes.
    """
    with _records(file, name, form) as records:
        start, some = form.skip_lines + 1, False
        first = next(records, [])
        if form.columns:
            header, chunk = _named(first, form), [first]
        else:
            header, chunk = first, []
            start += 1
        header = check_header(header, name, wanted, f"row {form.skip_lines + 1}")
        mended = all(column in header for column in MENDED_COLUMNS)
        while chunk := [*chunk, *islice(records, CHUNK_ROWS - len(chunk))]:
            some = some or any(chunk)  # a blank line is no row
            yield make_frame(chunk, header, range(start, start + len(chunk)), mended=mended)
            start, chunk = start + len(chunk), []
        if not some:
            raise ExtractError(
                name, "a header and no rows", "at least one row", "Ask the SIS why the extract is empty."
            )


def _named(first: list[str], form: CsvFormat) -> list[str]:
    """Give the columns of a file without header; a mended one has the reasons behind them."""
    if len(first) == len(form.columns) + len(MENDED_COLUMNS):
        return [*form.columns, *MENDED_COLUMNS]
    return form.columns


def column_names(file: IO[bytes], name: str, form: CsvFormat) -> list[str]:
    """Give the columns of an extract."""
    with _records(file, name, form) as records:
        return form.columns or [column.strip() for column in next(records, [])]


def write_rejected(file: IO[bytes], name: str, form: CsvFormat, rejects: Mapping[int, Finding]) -> bytes:
    """Give the rejected rows as they came, in the same form, with the reasons in three columns more."""
    out = io.StringIO(newline="")
    escape = form.escape or (None if form.quote else "\\")
    writer = csv.writer(out, **dialect_of(form) | {"escapechar": escape})
    encoding, before = _lines_before(file, name, form)
    out.write(before)
    with _records(file, name, form) as records:
        header = form.columns or next(records, [])
        places = {place for place, column in enumerate(header) if column.strip() in MENDED_COLUMNS}
        mended = bool(places)
        if not form.columns:
            names = map(unguard, header) if mended else header
            writer.writerow([*MENDED_COLUMNS, *map(guard, _without(places, names))])
        begin = form.skip_lines + (1 if form.columns else 2)
        for number, record in enumerate(records, start=begin):
            reject = rejects.get(number)
            if reject:
                cells = _without(places, map(unguard, record) if mended else record)
                reasons = [str(number), reject.field, reject.message]
                row = [*cells[: len(header)], *reasons] if form.columns else [*reasons, *cells]
                writer.writerow(map(guard, row))
    return out.getvalue().encode(encoding, errors="backslashreplace")


def _lines_before(file: IO[bytes], name: str, form: CsvFormat) -> tuple[str, str]:
    """Give the encoding of a file and the lines before its header, as they are."""
    with open_text(file, name, form.encoding) as text:
        encoding = str(text.encoding).removesuffix("-sig") if form.encoding != "utf-8-sig" else "utf-8-sig"
        lines = "".join(islice(text, form.skip_lines))
    file.seek(0)
    return encoding, lines


def _without(places: set[int], record: Iterable[str]) -> list[str]:
    """Leave out what an earlier rejections file said; a row with too few or too many cells stays as it is."""
    return [cell for place, cell in enumerate(record) if place not in places]


def dialect_of(form: CsvFormat) -> dict[str, Any]:
    """Give how the csv module is to read an extract."""
    return {
        "delimiter": form.delimiter,
        "quotechar": form.quote,
        "escapechar": form.escape,
        "quoting": csv.QUOTE_MINIMAL if form.quote else csv.QUOTE_NONE,
        "strict": True,
    }


@contextmanager
def _records(file: IO[bytes], name: str, form: CsvFormat) -> Iterator[Iterator[list[str]]]:
    """Open an extract as csv records; errors of encoding and quoting are told as :class:`ExtractError`."""
    with open_text(file, name, form.encoding, skip_lines=form.skip_lines) as text:
        lines: Iterable[str] = text
        if form.comment:
            comment = form.comment
            lines = ("\n" if line.startswith(comment) else line for line in text)
        records = _Counted(csv.reader(lines, **dialect_of(form)), re.compile(form.trailer) if form.trailer else None)
        try:
            yield records
        except csv.Error as error:
            raise ExtractError(
                name,
                f"text that is not delimited as the profile says ({error})",
                f"fields divided by {form.delimiter!r}, quoted with {form.quote!r}",
                "The file may be cut off, or a quote in the row is not doubled.",
                place=f"row {records.read + form.skip_lines + 1}",
            ) from error


class _Counted(Iterator[list[str]]):
    """Records, and how many were read. A trailer is as a blank line: it counts, and is no row."""

    def __init__(self, records: Iterator[list[str]], trailer: re.Pattern[str] | None) -> None:
        self.records = records
        self.trailer = trailer
        self.read = 0

    def __next__(self) -> list[str]:
        record = next(self.records)
        self.read += 1
        if self.trailer and record and self.trailer.match(record[0]):
            return []
        return record
