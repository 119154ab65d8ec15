"""Reading a sheet of an Excel workbook: what a person sees in its cells, as text."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import IO, Any

import openpyxl
import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile.formats import ExcelFormat
from matchpoint.read.archive import check_workbook
from matchpoint.read.frames import CHUNK_ROWS, MENDED_COLUMNS, check_header, guard, make_frame, unguard


def read_excel(
    file: IO[bytes], name: str, form: ExcelFormat, wanted: Iterable[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """Read a sheet in chunks; the row number is the sheet's.

    Text stays as it is, whole numbers have no point, dates are YYYY-MM-DD, formulas what they last gave. Raises
    :class:`ExtractError` when the file is no workbook, or the sheet, the header or every row is missing.
    """
    with _rows(file, name, form) as rows:
        header = next(islice(rows, form.header_row - 1, None), [])
        while header and not header[-1]:  # cells that were only formatted
            header.pop()
        width = len(header)
        header = check_header(header, name, wanted, f"row {form.header_row}")
        mended = all(column in header for column in MENDED_COLUMNS)
        number, some = form.header_row + 1, False
        while chunk := [_fitted(row, width) for row in islice(rows, CHUNK_ROWS)]:
            some = some or any(chunk)
            yield make_frame(chunk, header, range(number, number + len(chunk)), mended=mended)
            number += len(chunk)
        if not some:
            raise ExtractError(name, "a header and no rows", "at least one row", "Ask the SIS why it is empty.")


def column_names(file: IO[bytes], name: str, form: ExcelFormat) -> list[str]:
    """Give the columns of the sheet."""
    with _rows(file, name, form) as rows:
        return [column.strip() for column in next(islice(rows, form.header_row - 1, None), []) if column.strip()]


def first_rows(file: IO[bytes], name: str, form: ExcelFormat, limit: int) -> tuple[list[str], list[list[str]], int]:
    """Give the columns, at most ``limit`` rows, blank ones left out, and how many rows there are.

    That number is exact where all rows were read, else what the sheet says of its size. Raises
    :class:`ExtractError` when the file is no workbook or lacks the sheet.
    """
    with _rows(file, name, form) as rows:
        header = [column.strip() for column in next(islice(rows, form.header_row - 1, None), [])]
        while header and not header[-1]:
            header.pop()
        read = list(islice(rows, limit + 1))
    some = [row[: len(header)] for row in read[:limit] if any(row)]
    if len(read) <= limit:
        return header, some, len(some)
    book = openpyxl.load_workbook(file, read_only=True)
    sheet: Any = book[form.sheet] if form.sheet else book.worksheets[0]
    told = (sheet.max_row or 0) - form.header_row
    book.close()
    return header, some, max(told, len(read))


def write_rejected(file: IO[bytes], name: str, form: ExcelFormat, rejects: Mapping[int, Finding]) -> bytes:
    """Give a workbook with the rejected rows as text, and the reasons in three columns more."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(form.sheet or "People")
    with _rows(file, name, form) as rows:
        for number, row in enumerate(rows, start=1):
            if number < form.header_row:
                sheet.append([guard(cell) for cell in row])
            elif number == form.header_row:
                header = [unguard(cell) for cell in row]
                places = [place for place, cell in enumerate(header) if cell.strip() not in MENDED_COLUMNS]
                mended = len(places) < len(header)
                sheet.append([*MENDED_COLUMNS, *(guard(header[place]) for place in places)])
            elif number in rejects:
                reject = rejects[number]
                cells = [row[place] if place < len(row) else "" for place in places]
                cells = [unguard(cell) for cell in cells] if mended else cells
                sheet.append([guard(one) for one in (str(number), reject.field, reject.message, *cells)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@contextmanager
def _rows(file: IO[bytes], name: str, form: ExcelFormat) -> Iterator[Iterator[list[str]]]:
    book = _opened(file, name)
    try:
        if form.sheet is not None and form.sheet not in book.sheetnames:
            raise ExtractError(
                name, f"no sheet {form.sheet!r}", f"one of {', '.join(book.sheetnames)}", "Set format.sheet."
            )
        sheet: Any = book[form.sheet] if form.sheet else next(iter(book.worksheets), None)
        if not hasattr(sheet, "iter_rows"):
            raise ExtractError(name, "no sheet with rows", "a sheet of people", "Set format.sheet.")
        yield _cells(sheet, name)
    finally:
        book.close()


def _opened(file: IO[bytes], name: str) -> Any:
    # What a damaged or hostile workbook makes of openpyxl is any error at all; its words may quote from the file.
    try:
        is_zip = zipfile.is_zipfile(file)
        file.seek(0)
        if is_zip:
            check_workbook(file, name)
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except ExtractError:
        raise
    except Exception:
        raise ExtractError(
            name, "what is no Excel workbook", "an .xlsx file", "Have it saved as .xlsx, or set another format."
        ) from None


def _cells(sheet: Any, name: str) -> Iterator[list[str]]:
    rows, number = sheet.iter_rows(values_only=True), 0
    while True:
        try:
            row = next(rows, None)
        except Exception as error:
            raise ExtractError(
                name,
                f"a workbook that is damaged ({type(error).__name__})",
                "an .xlsx file",
                "Have it saved anew and sent again.",
                place=f"row {number + 1}",
            ) from None
        if row is None:
            return
        number += 1
        yield [_text(cell) for cell in row]


def _fitted(row: list[str], width: int) -> list[str]:
    """Bring a row to the width of the header; a row without a value is blank."""
    if not any(row):
        return []
    return row[:width] + [""] * (width - len(row)) if not any(row[width:]) else row


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
