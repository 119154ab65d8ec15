"""Reading delimited text into frames of strings, row by row accounted for.

Everything is a string: "007" and "Null" are people. The row number is the one a spreadsheet shows: the header is
row 1, and a quoted line break inside a value does not count.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import islice
from typing import IO

import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile import CsvFormat

CHUNK_ROWS = 20_000
MENDED_COLUMNS = ("matchpoint_row", "matchpoint_field", "matchpoint_reason")
"""The columns a rejections file adds. A file that has them is one that was mended and dropped back."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


def guard(value: str) -> str:
    """Make a value harmless in a spreadsheet: a leading apostrophe stops it from being read as a formula."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def unguard(value: str) -> str:
    """Undo :func:`guard`."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA_STARTS) else value


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
        header = _header(next(records, []), name, wanted)
        mended = all(column in header for column in MENDED_COLUMNS)
        start, some = 2, False
        while chunk := list(islice(records, CHUNK_ROWS)):
            some = some or any(chunk)  # a blank line is no row
            yield _frame(chunk, header, start, mended)
            start += len(chunk)
        if not some:
            raise ExtractError(
                name, "a header and no rows", "at least one row", "Ask the SIS why the extract is empty."
            )


def raw_rows(file: IO[bytes], name: str, form: CsvFormat, numbers: set[int]) -> Iterator[tuple[int, list[str]]]:
    """Give the header (as row 1) and the rows with the given numbers, as they stand in the extract."""
    with _records(file, name, form) as records:
        for number, record in enumerate(records, start=1):
            if number == 1 or number in numbers:
                yield number, record


@contextmanager
def _records(file: IO[bytes], name: str, form: CsvFormat) -> Iterator[Iterator[list[str]]]:
    """Open an extract as csv records; errors of encoding and quoting are told as :class:`ExtractError`."""
    head = file.read(1 << 16)
    encoding = _encoding(head, file, name, form.encoding)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    records = _Counted(csv.reader(text, delimiter=form.delimiter, quotechar=form.quote, strict=True))
    try:
        with _told(name, form, file, records):
            yield records
    finally:
        text.detach()


class _Counted(Iterator[list[str]]):
    """Records, and how many were read."""

    def __init__(self, records: Iterator[list[str]]) -> None:
        self.records = records
        self.read = 0

    def __next__(self) -> list[str]:
        record = next(self.records)
        self.read += 1
        return record


@contextmanager
def _told(name: str, form: CsvFormat, file: IO[bytes], records: _Counted) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise ExtractError(
            name,
            f"bytes that are not {form.encoding} (byte 0x{error.object[error.start]:02x})",
            f"text in {form.encoding}, as the profile says",
            "Export it so, or change format.encoding in the profile.",
            place=f"line {_line(file, file.tell() - len(error.object) + error.start)}",
        ) from error
    except csv.Error as error:
        raise ExtractError(
            name,
            f"text that is not delimited as the profile says ({error})",
            f"fields divided by {form.delimiter!r}, quoted with {form.quote!r}",
            "The file may be cut off, or a quote in the row is not doubled.",
            place=f"row {records.read + 1}",
        ) from error


def _line(file: IO[bytes], byte: int) -> int:
    """Give the number of the line in which a byte of the file stands."""
    line = 1
    file.seek(0)
    while byte and (piece := file.read(min(byte, 1 << 20))):
        line += piece.count(b"\n")
        byte -= len(piece)
    return line


_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _encoding(head: bytes, file: IO[bytes], name: str, declared: str) -> str:
    """Settle the encoding: the declared one, unless the file plainly is another, which is refused."""
    if not head:
        raise ExtractError(name, "an empty file (0 bytes)", "a header and rows", "Ask the SIS for the extract.")
    declared = codecs.lookup(declared).name
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if marked and not declared.startswith(marked):
        raise _other_encoding(name, marked, declared)
    if declared == "utf-8":
        return "utf-8-sig"
    if declared in {"iso8859-1", "iso8859-15", "cp1252"} and _is_utf8(head, file):
        raise _other_encoding(name, "utf-8", declared)
    return declared


def _other_encoding(name: str, found: str, declared: str) -> ExtractError:
    return ExtractError(
        name,
        f"text in {found}",
        f"{declared}, as the profile says",
        f"Set format.encoding to {found}, or export it so.",
    )


def _is_utf8(head: bytes, file: IO[bytes]) -> bool:
    """Tell whether bytes beyond ASCII read as UTF-8: by chance, Latin-1 text almost never does.

    Looks at the whole file, up to the first byte that says no: in some, the first such name comes late.
    """
    decoder, beyond_ascii = codecs.getincrementaldecoder("utf-8")(), False
    try:
        while head:
            beyond_ascii = beyond_ascii or not head.isascii()
            decoder.decode(head)
            head = file.read(1 << 20)
    except UnicodeDecodeError:
        return False
    return beyond_ascii


def _header(header: list[str], name: str, wanted: Iterable[str]) -> list[str]:
    header = [column.strip() for column in header]
    if set(MENDED_COLUMNS) <= set(header):
        header = [unguard(column) for column in header]
    wanted = list(wanted)
    missing = [column for column in wanted if column not in header]
    if missing:
        near = _near(missing, header, wanted)
        renamed = ", ".join(f"{column!r} may now be {other!r}" for column, other in near.items())
        raise ExtractError(
            name,
            f"no column {_quoted(missing)}",
            "every column that the mapping reads",
            f"Change the extract or the mapping in the profile{f': {renamed}' if renamed else ''}.",
            place="row 1",
        )
    twice = [column for column, times in Counter(header).items() if times > 1]
    if twice:
        raise ExtractError(
            name,
            f"the column {_quoted(twice)} twice",
            "each column once",
            "Rename one in the SIS.",
            place="row 1",
        )
    return header


def _near(missing: list[str], header: list[str], wanted: list[str]) -> dict[str, str]:
    """Guess which column of the header each missing one became.

    Where no wanted column is there at all, row 1 may well be a person and no header: nothing of it is told.
    """
    columns = {column.casefold(): column for column in header}
    if not columns.keys() & {column.casefold() for column in wanted}:
        return {}
    near = {column: get_close_matches(column.casefold(), columns, n=1) for column in missing}
    return {column: columns[match[0]] for column, match in near.items() if match}


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _frame(chunk: list[list[str]], header: list[str], start: int, mended: bool) -> tuple[pd.DataFrame, list[Finding]]:
    findings: list[Finding] = []
    numbers: list[int] = []
    good: list[list[str]] = []
    for number, record in enumerate(chunk, start=start):
        if len(record) == len(header):
            numbers.append(number)
            good.append(record)
        elif record:
            detail = f"found {len(record)} fields; expected {len(header)}"
            findings.append(Finding(number, "", "missing_column_value", detail))
    frame = pd.DataFrame(good, columns=header, index=pd.Index(numbers, dtype="int64"), dtype="str")
    if mended:
        frame = frame.drop(columns=list(MENDED_COLUMNS)).map(unguard)
    return frame, findings
