"""Raw records whose quotes leave no doubt, read by Arrow.

Those are records without any, where a field is what stands between two delimiters, and records in which every field
is quoted and holds no quote: in them every quote is accounted for.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from matchpoint.findings import Finding
from matchpoint.profile.formats import CsvFormat
from matchpoint.read.frames import frame_of, make_frame
from matchpoint.read.raw_records import RawRecords, decoded, parse


def read_records(
    records: RawRecords, encoding: str, form: CsvFormat, header: list[str], columns: Sequence[str]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read raw records into a frame of some columns; ragged ones are findings, blank ones nothing.

    Raises :class:`matchpoint.read.raw_records.NotLineWise` where a record is not one.
    """
    plain = _without_doubt(records.lines, form, len(header))
    table = _split(
        [line for line, one in zip(records.lines, plain.tolist(), strict=True) if one], encoding, form, header
    )
    if table is None:  # one of them has too few or too many fields
        plain[:] = False
    others = records.only(~plain)
    frame, ragged = make_frame(
        parse(others.lines, encoding, form) if others.lines else [], header, others.rows.tolist(), columns
    )
    if table is None or not table.num_rows:
        return frame, ragged
    quick = frame_of({name: table[name] for name in columns}, records.rows[plain])
    return (pd.concat([quick, frame]).sort_index() if len(frame) else quick), ragged


def _without_doubt(lines: Sequence[bytes], form: CsvFormat, columns: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    quote = (form.quote or "").encode()
    if not quote:
        return np.array([bool(line) for line in lines], dtype=bool)
    between, number = quote + form.delimiter.encode() + quote, 2 * columns

    def all_quoted(line: bytes) -> bool:
        return (
            line.count(quote) == number
            and line.count(between) == columns - 1
            and line.startswith(quote)
            and line.endswith(quote)
            and b"\n" not in line
            and b"\r" not in line
        )

    return np.array([bool(line) and (quote not in line or all_quoted(line)) for line in lines], dtype=bool)


def _split(lines: Iterable[bytes], encoding: str, form: CsvFormat, header: list[str]) -> pa.Table | None:
    """Split lines at the delimiter; None when Arrow finds one that does not fit."""
    text = b"\n".join(lines)
    if not text:
        return pa.table({name: pa.array([], pa.large_string()) for name in header})
    if not encoding.startswith(("utf-8", "ascii")):
        text = decoded(text, encoding).encode()
    try:
        return csv.read_csv(
            io.BytesIO(text),
            csv.ReadOptions(column_names=header, block_size=len(text) + 1, use_threads=False),
            csv.ParseOptions(delimiter=form.delimiter, quote_char=form.quote or False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.large_string()), quoted_strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
