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
from matchpoint.profile import AlmaXmlFormat, Profile
from matchpoint.read.frames import MENDED_COLUMNS, guard
from matchpoint.read.rows import TELLS_WHY, write_rejected
from matchpoint.run_folder import AnyPath, Extract, RunFolder, safe_name

_NAME_BYTES = 255


def write_rejections(folder: RunFolder, extract: Extract, profile: Profile, rejects: Iterable[Finding]) -> str | None:
    """Write ``rejections/<name>`` for one extract, and give its name; None when every row went through."""
    by_row = {reject.row: reject for reject in rejects}
    if not by_row:
        return None
    form = profile.joins[extract.join].format if extract.join else profile.format
    inner = PurePosixPath(extract.member or extract.name)
    name = _fitting(inner.stem, f".rejected{inner.suffix}")
    stem = inner.stem
    if extract.member is not None:  # many zips hold a users.xml, and one may hold two in different folders
        stem = f"{PurePosixPath(extract.name).stem}.{safe_name(str(inner.with_suffix('')))}"
    with folder.root.joinpath(extract.path).open("rb") as source:
        if isinstance(form, AlmaXmlFormat):
            content = _xml(source, extract, by_row)
        else:
            content = write_rejected(source, extract.label, form, by_row)
        if form.type not in TELLS_WHY and not extract.join:
            _write_list(folder.path("rejections", _fitting(stem, ".rejected.csv")), by_row.values())
    if extract.member is None:
        folder.path("rejections", name).write_bytes(content)
        return name
    zipped = _fitting(stem, ".rejected.zip")
    with (
        folder.path("rejections", zipped).open("wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr(name, content)
    return zipped


def _fitting(stem: str, ending: str) -> str:
    """Give a file name that a file system takes, which is 255 bytes; what is longer is cut, and has its hash."""
    if len(f"{stem}{ending}".encode(errors="surrogateescape")) <= _NAME_BYTES:
        return f"{stem}{ending}"
    return f"{safe_name(stem)}{ending if len(ending.encode()) < _NAME_BYTES // 2 else '.rejected'}"


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
