"""Raw records without a quote, read by Arrow: there a field is what stands between two delimiters, no more."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

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
    quote = (form.quote or "").encode()
    plain = np.array([bool(line) and not (quote and quote in line) for line in records.lines], dtype=bool)
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
            csv.ParseOptions(delimiter=form.delimiter, quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(header, pa.large_string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
