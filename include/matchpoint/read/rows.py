"""Reading extracts of rows, whatever their format: one table of what each format can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import IO, Any

import pandas as pd

from matchpoint.findings import Finding
from matchpoint.profile.formats import RowFormat
from matchpoint.read import delimited, excel, fixed_width, json_records

_READ: Mapping[str, Any] = MappingProxyType(
    {
        "csv": (delimited.read_delimited, delimited),
        "fixed_width": (fixed_width.read_fixed_width, fixed_width),
        "json": (json_records.read_json, json_records),
        "excel": (excel.read_excel, excel),
    }
)
TELLS_WHY = frozenset({"csv", "json", "excel"})
"""Formats in which a rejected row can say itself why; for the others there is a list beside."""


def read_rows(
    file: IO[bytes], name: str, form: RowFormat, wanted: Iterable[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """Read an extract in chunks of at most 20,000 rows, each row once in a frame or in a finding.

    A frame holds strings, "" for no value, at least the wanted columns, and the row number, as a person counts, as
    index. Raises :class:`ExtractError` when the extract cannot be read as a whole.
    """
    read, _ = _READ[form.type]
    yield from read(file, name, form, wanted)


def column_names(file: IO[bytes], name: str, form: RowFormat) -> list[str]:
    """Give the columns that an extract has, as far as its format tells."""
    _, module = _READ[form.type]
    return list(module.column_names(file, name, form))


def write_rejected(file: IO[bytes], name: str, form: RowFormat, rejects: Mapping[int, Finding]) -> bytes:
    """Give a file of the rejected rows as they came, fit to be mended and dropped back."""
    _, module = _READ[form.type]
    return bytes(module.write_rejected(file, name, form, rejects))
