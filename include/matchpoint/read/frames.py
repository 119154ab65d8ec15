"""What all readers of rows share: the header, the frame of strings, and what a mended file is known by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pandas as pd
import pyarrow as pa

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding

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


def check_header(header: list[str], name: str, wanted: Iterable[str], place: str = "row 1") -> list[str]:
    """Check a header, which is row 1 unless ``place`` says otherwise, and give it without blanks around its names.

    Raises :class:`ExtractError` when a wanted column is missing or a name is there twice.
    """
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
            place=place,
        )
    twice = [column for column, times in Counter(header).items() if times > 1]
    if twice:
        raise ExtractError(
            name,
            f"the column {_quoted(twice)} twice",
            "each column once",
            "Rename one in the SIS.",
            place=place,
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


def make_frame(
    records: Sequence[list[str]],
    header: list[str],
    numbers: Iterable[int],
    columns: Iterable[str] | None = None,
    *,
    mended: bool = False,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Make a frame of records with their row numbers; those with too few or too many fields are findings.

    ``columns`` are those to take, all when None. A blank record is nothing. ``mended`` says that the records are of a
    mended rejections file, whose own columns go.
    """
    findings: list[Finding] = []
    index = list(numbers)
    width = len(header)
    if any(len(record) != width for record in records):
        numbered = list(zip(index, records, strict=True))
        findings = [_ragged(number, record, width) for number, record in numbered if record and len(record) != width]
        whole = [(number, record) for number, record in numbered if len(record) == width]
        index, records = [number for number, _ in whole], [record for _, record in whole]
    by_column = dict(zip(header, zip(*records, strict=True) if records else ([] for _ in header), strict=True))
    wanted = header if columns is None else columns
    frame = frame_of({name: pa.array(by_column[name], pa.large_string()) for name in wanted}, index)
    if mended:
        frame = frame.drop(columns=list(MENDED_COLUMNS)).map(unguard)
    return frame, findings


def _ragged(number: int, record: list[str], width: int) -> Finding:
    return Finding(number, "", "missing_column_value", f"found {len(record)} fields; expected {width}")


def frame_of(columns: Mapping[str, Any], numbers: Any) -> pd.DataFrame:
    """Make a frame of Arrow's texts by column, and row numbers."""
    strings = {name: pd.array(values, dtype="str") for name, values in columns.items()}
    return pd.DataFrame(strings, index=pd.Index(numbers, dtype="int64"))
