"""Measuring an extract: one pass over its bytes, and the columns of a sample of its rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import IO, Any

import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.health.bytes import ByteSigns, blocks, is_broken
from matchpoint.health.columns import Columns, code_columns
from matchpoint.health.lines import LineFormat, Lines, lines_before, read_lines
from matchpoint.health.measured import Measured
from matchpoint.health.trailer import claims, total_of
from matchpoint.profile import AlmaXmlFormat, CsvFormat, ExcelFormat, JsonFormat, Profile
from matchpoint.profile.formats import AUTO
from matchpoint.profile.health import Trailer
from matchpoint.read.alma_xml import read_alma_xml
from matchpoint.read.delimited import dialect_of
from matchpoint.read.excel import first_rows
from matchpoint.read.frames import MENDED_COLUMNS, make_frame
from matchpoint.read.raw_records import is_ascii_based
from matchpoint.read.rows import read_rows
from matchpoint.run_folder import Extract, RunFolder

SAMPLE = 20_000
"""Rows of a delimited file that are looked at."""
SMALL_SAMPLE = 10_000
"""The same of formats whose rows take longer to read."""
FEW = 2_000
"""The same of a workbook."""
_ENDS_XML = re.compile(rb"</(\w+:)?users\s*>\s*(<!--.*?-->\s*)*\Z", re.DOTALL)


def family_of(extract: Extract) -> str:
    """Give the name of an extract, every number in it as ``#``."""
    return re.sub(r"\d+", "#", extract.label)


def measure_extract(folder: RunFolder, extract: Extract, profile: Profile) -> Measured:
    """Measure an extract of a run.

    A file that cannot be read has fewer statistics: why, the transformation tells better. Raises
    :class:`ExtractError` only when a control line would be read as a person, or the column of its total is missing.
    """
    form: Any = profile.joins[extract.join].format if extract.join else profile.format
    wanted = [] if extract.join else profile.person_columns
    measured = Measured(
        number=extract.number,
        label=extract.label,
        join=extract.join,
        family=family_of(extract),
        sha256=extract.sha256,
        size=extract.size,
        modified=extract.modified,
        is_mended=re.search(r"\.rejected\.[^.]+$", extract.member or extract.name) is not None,
    )
    with folder.root.joinpath(extract.path).open("rb") as file:
        columns = Columns(code_columns(profile).intersection(wanted))
        if isinstance(form, ExcelFormat):
            return _of_workbook(file, measured, form, wanted, columns)
        if isinstance(form, AlmaXmlFormat):
            return _of_xml(file, measured, form, Columns(code_columns(profile)))
        if isinstance(form, JsonFormat) and not form.lines:
            return _of_document(file, measured, form, wanted, columns)
        trailer = None if extract.join else profile.health.trailer
        with suppress(UnicodeError):
            measured, lines = _of_text(file, measured, form, wanted, columns)
            return _controlled(file, measured, form, lines, trailer)
        return measured


def _of_text(
    file: IO[bytes], measured: Measured, form: LineFormat, wanted: list[str], columns: Columns
) -> tuple[Measured, Lines]:
    """Measure lines; in an encoding whose bytes do not show where they end, as UTF-8."""
    if form.encoding == AUTO or is_ascii_based(form.encoding):
        return _of_lines(file, measured, form, wanted, columns)
    as_utf8: Any = codecs.EncodedFile(file, "utf-8", form.encoding)
    utf8 = form.model_copy(update={"encoding": "utf-8"})
    measured, lines = _of_lines(as_utf8, measured, utf8, wanted, columns)
    return replace(measured, encoding=codecs.lookup(form.encoding).name), lines


def _of_lines(
    file: IO[bytes], measured: Measured, form: LineFormat, wanted: list[str], columns: Columns
) -> tuple[Measured, Lines]:
    signs = ByteSigns()
    limit = SAMPLE if isinstance(form, CsvFormat) else SMALL_SAMPLE
    lines = read_lines(blocks(file, signs), form, measured.size, limit)
    if signs.encoding in {"utf-16", "utf-32"}:
        return replace(measured, encoding=signs.encoding), Lines()
    header = _header(lines, form)
    if header is not None:
        measured = replace(measured, is_mended=measured.is_mended or set(MENDED_COLUMNS) <= set(header))
        wanted = [one for one in wanted if one in header]
        header = header if wanted or measured.join else None  # row 1 may be a person: nothing of it is kept
    whole = signs.tail.endswith((b"\n", b"\r"))
    measured = replace(
        measured,
        rows=lines.rows,
        encoding=signs.encoding,
        accented=_share(not one.isascii() for one in lines.sample),
        broken=_share(map(is_broken, lines.sample)) if signs.encoding == "utf-8" else 0.0,
        ends_whole=whole,
        cut="" if whole else _cut(lines, form, header),
        header=None if measured.is_mended else header,
    )
    if wanted and not measured.is_mended:
        with suppress(ExtractError):
            sample = io.BytesIO(b"\n".join([*lines.head, *lines.sample]))
            for frame, _ in read_rows(sample, measured.label, form, wanted):
                columns.add(frame[wanted])
    return replace(measured, sampled=columns.rows, columns=columns.told()), lines


def _controlled(
    file: IO[bytes], measured: Measured, form: LineFormat, lines: Lines, trailer: Trailer | None
) -> Measured:
    """Add what the control lines say, and whether the total is so."""
    if trailer is None or measured.is_mended:
        return measured
    said = claims(lines.last, trailer, form, measured.label)
    if said is None or "total" not in said or trailer.total_of is None:
        return replace(measured, control=said)
    file.seek(0)
    total, strange = total_of(file, measured.label, form, trailer.total_of)
    return replace(measured, control=said, total=str(total), strange=strange)


def _header(lines: Lines, form: LineFormat) -> list[str] | None:
    """Give the columns that the first row names; None where the format has no such row."""
    if not isinstance(form, CsvFormat) or form.columns or len(lines.head) < lines_before(form):
        return None
    first = _decoded(lines.head[form.skip_lines], form)
    with suppress(csv.Error):
        return [one.strip() for one in next(csv.reader(io.StringIO(first, newline=""), **dialect_of(form)), [])]
    return None


def _decoded(line: bytes, form: CsvFormat) -> str:
    with suppress(UnicodeDecodeError):
        return line.decode("utf-8-sig" if form.encoding in {AUTO, "utf-8"} else form.encoding)
    return line.decode("latin-1")


def _cut(lines: Lines, form: LineFormat, header: list[str] | None) -> str:
    """Say by what one sees that a file without an end of line was cut off."""
    last = lines.last[-1].decode("utf-8", "replace") if lines.last else ""
    if isinstance(form, JsonFormat):
        return "" if last.rstrip().endswith("}") else "a last line that is no whole record"
    if not isinstance(form, CsvFormat) or not last or not lines.rows:
        return ""
    width = len(form.columns or header or [])
    try:
        records = list(csv.reader(io.StringIO(last, newline=""), **dialect_of(form)))
    except csv.Error:
        return "a quote in the last row that never closes"
    fields = len(records[-1])
    return f"a last row of {fields} fields where the others have {width}" if fields < width else ""


def _of_document(
    file: IO[bytes], measured: Measured, form: JsonFormat, wanted: list[str], columns: Columns
) -> Measured:
    signs = ByteSigns()
    for _ in blocks(file, signs):
        pass
    cut = "" if signs.tail.rstrip().endswith((b"}", b"]")) else "a document without its closing bracket"
    file.seek(0)
    return replace(_by_reading(file, measured, form, wanted, columns), encoding=signs.encoding, cut=cut)


def _by_reading(file: IO[bytes], measured: Measured, form: Any, wanted: list[str], columns: Columns) -> Measured:
    """Read the first rows; how many there are is then reckoned by the part of the file that they take."""
    rows, is_whole = 0, False
    with suppress(ExtractError):
        for frame, findings in read_rows(file, measured.label, form, wanted):
            rows += len(frame) + len(findings)
            columns.add(frame[wanted])
            if rows >= SMALL_SAMPLE:
                break
        else:
            is_whole = True
    if not is_whole:
        rows = round(rows * measured.size / file.tell()) if file.tell() else 0
    return replace(measured, rows=rows or None, sampled=columns.rows, columns=columns.told())


def _of_xml(file: IO[bytes], measured: Measured, form: AlmaXmlFormat, columns: Columns) -> Measured:
    signs = ByteSigns(of_xml=True)
    for _ in blocks(file, signs):
        pass
    file.seek(0)
    with suppress(ExtractError):
        users = (user for _, user, _ in read_alma_xml(file, measured.label, form))
        columns.add_users(islice(users, SMALL_SAMPLE))
    cut = "" if _ENDS_XML.search(signs.tail) else "no </users> at its end"
    of_columns = {} if measured.is_mended else columns.told()
    rows = signs.users or None
    return replace(measured, rows=rows, encoding=signs.encoding, cut=cut, sampled=columns.rows, columns=of_columns)


def _of_workbook(
    file: IO[bytes], measured: Measured, form: ExcelFormat, wanted: list[str], columns: Columns
) -> Measured:
    with suppress(ExtractError):
        header, rows, number = first_rows(file, measured.label, form, FEW)
        is_mended = measured.is_mended or set(MENDED_COLUMNS) <= set(header)
        wanted = [one for one in wanted if one in header]
        if wanted and not is_mended:
            frame: pd.DataFrame = make_frame(rows, header, range(len(rows)), wanted)[0]
            columns.add(frame)
        header_kept = None if is_mended or not (wanted or measured.join) else header
        measured = replace(measured, is_mended=is_mended, rows=number, header=header_kept)
    return replace(measured, sampled=columns.rows, columns=columns.told())


def _share(told: Iterator[bool] | Any) -> float:
    values = list(told)
    return round(sum(values) / len(values), 6) if values else 0.0
