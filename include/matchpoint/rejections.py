"""Rejections files: the rows that did not go through, as they came, with the reason, ready to be mended.

A mended file can be dropped back on the server as it is. Cells that a spreadsheet would take for a formula are
made harmless by an apostrophe, which the reader takes off again.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import IO

from lxml import etree

from matchpoint.alma.xml_files import iterate_users
from matchpoint.findings import Finding
from matchpoint.profile import CsvFormat, Profile
from matchpoint.read.delimited import MENDED_COLUMNS, guard, raw_rows, unguard
from matchpoint.run_folder import AnyPath, Extract, RunFolder, safe_name


def write_rejections(folder: RunFolder, extract: Extract, profile: Profile, rejects: Iterable[Finding]) -> str | None:
    """Write ``rejections/<name>`` for one extract, and give its name; None when every row went through."""
    by_row = {reject.row: reject for reject in rejects}
    if not by_row:
        return None
    inner = PurePosixPath(extract.member or extract.name)
    name = f"{inner.stem}.rejected{inner.suffix}"
    stem = inner.stem
    if extract.member is not None:  # many zips hold a users.xml, and one may hold two in different folders
        stem = f"{PurePosixPath(extract.name).stem}.{safe_name(str(inner.with_suffix('')))}"
    with folder.root.joinpath(extract.path).open("rb") as source:
        if isinstance(profile.format, CsvFormat):
            content = _csv(source, extract, profile.format, by_row)
        else:
            content = _xml(source, extract, by_row)
            _write_list(folder.path("rejections", f"{stem}.rejected.csv"), by_row.values())
    if extract.member is None:
        folder.path("rejections", name).write_bytes(content)
        return name
    zipped = f"{stem}.rejected.zip"
    with (
        folder.path("rejections", zipped).open("wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr(name, content)
    return zipped


def _csv(source: IO[bytes], extract: Extract, form: CsvFormat, rejects: Mapping[int, Finding]) -> bytes:
    rows = raw_rows(source, extract.label, form, set(rejects))
    _, header = next(rows)
    said_before = {place for place, name in enumerate(header) if name.strip() in MENDED_COLUMNS}
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=form.delimiter, quotechar=form.quote)
    names = map(unguard, header) if said_before else header
    writer.writerow([*MENDED_COLUMNS, *map(guard, _without(said_before, names))])
    for number, record in rows:
        reject = rejects[number]
        cells = _without(said_before, map(unguard, record) if said_before else record)
        writer.writerow(map(guard, [str(number), reject.field, reject.message, *cells]))
    return text.getvalue().encode(form.encoding, errors="backslashreplace")


def _without(places: set[int], record: Iterable[str]) -> list[str]:
    """Leave out what an earlier rejections file said; a row with too few or too many cells stays as it is."""
    return [cell for place, cell in enumerate(record) if place not in places]


def _xml(source: IO[bytes], extract: Extract, rejects: Mapping[int, Finding]) -> bytes:
    out = io.BytesIO()
    with etree.xmlfile(out, encoding="utf-8") as file:
        file.write_declaration()
        with file.element("users"):
            for number, element in enumerate(iterate_users(source, extract.label), start=1):
                if number in rejects:
                    reject = rejects[number]
                    said = f" user {number}, {reject.field}: {reject.message} "
                    said = re.sub("-(?=-)", "- ", said)
                    file.write(etree.Comment(said), "\n", element, "\n")
    return out.getvalue()


def _write_list(path: AnyPath, rejects: Iterable[Finding]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(MENDED_COLUMNS)
        writer.writerows([reject.row, guard(reject.field), guard(reject.message)] for reject in rejects)
