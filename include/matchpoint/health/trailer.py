"""Control lines: what a file says of itself at its end, and whether it is so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import IO

from matchpoint.errors import ExtractError
from matchpoint.health.lines import LineFormat, is_control
from matchpoint.known import Known
from matchpoint.profile.formats import CsvFormat
from matchpoint.profile.health import Trailer
from matchpoint.read.raw_records import NotLineWise
from matchpoint.read.raw_rows import RawRows
from matchpoint.read.rows import read_rows


def claims(last: Iterable[bytes], trailer: Trailer, form: LineFormat, name: str) -> dict[str, str] | None:
    """Give what the control lines among the last lines say, by group; None where there is none.

    Raises :class:`ExtractError` when a control line would be read as a person.
    """
    said: dict[str, str] = {}
    found = False
    for line in last:
        match = re.search(trailer.line, line.decode("utf-8", "replace"))
        if match is None:
            continue
        if not is_control(line, form):
            raise ExtractError(
                name,
                "a control line that format.trailer does not match, so that it would be read as a person",
                "both health.trailer.line and format.trailer to match it",
                "Change one of them in the profile.",
                place="at the end",
            )
        found = True
        said |= {group: text.strip() for group, text in match.groupdict().items() if text is not None}
    return said if found else None


def number(text: str) -> Decimal | None:
    """Give a number as control lines and columns write them, commas between thousands allowed; None for no number."""
    plain = text.replace(",", "") if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text) else text
    return Decimal(plain) if re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", plain) else None


def total_of(file: IO[bytes], name: str, form: LineFormat, column: str) -> tuple[Decimal, int]:
    """Give the sum of a column over all rows, and how many of its values are no numbers. Empty ones are nothing."""
    if isinstance(form, CsvFormat):
        try:
            return _sum(_by_raw_rows(file, name, form, column))
        except NotLineWise:
            file.seek(0)
    return _sum(frame[column].tolist() for frame, _ in read_rows(file, name, form, [column]))


def _sum(values: Iterable[list[str]]) -> tuple[Decimal, int]:
    total, strange = Decimal(0), 0
    for some in values:
        for text in filter(None, map(str.strip, some)):
            value = number(text)
            strange += value is None
            total += value or 0
    return total, strange


def _by_raw_rows(file: IO[bytes], name: str, form: CsvFormat, column: str) -> Iterator[list[str]]:
    raw = RawRows(file, name, form, [column])
    for _, records in raw.split(0, Known.nothing(), None):
        if records is not None and len(records.lines):
            frame, _ = raw.frame(records)
            yield frame[column].tolist()
