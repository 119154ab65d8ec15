"""Reading lines in which every column has its place, with blocks that repeat, such as Voyager's patron records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO

import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile.formats import Blocks, FixedColumn, FixedWidthFormat
from matchpoint.read.frames import CHUNK_ROWS, check_header
from matchpoint.read.text import open_text

_BLOCK = re.compile(r"(?P<name>[^.\[]+)(?:\[(?P<place>\d+)\])?\.(?P<column>.+)")


def read_fixed_width(
    file: IO[bytes], name: str, form: FixedWidthFormat, wanted: Iterable[str]
) -> Iterator[tuple[pd.DataFrame, list[Finding]]]:
    """Read an extract in chunks of lines; the row number is the line's.

    The frame has the columns of the base and those of blocks that are wanted: ``permanent.CITY`` is of the first
    block of that name, ``permanent[1].CITY`` of the second. A line with a broken block is a finding.
    """
    wanted = list(wanted)
    in_blocks = check_header([*_base(form), *_of_blocks(form, wanted)], name, wanted, "format")[len(_base(form)) :]
    with open_text(file, name, form.encoding, skip_lines=form.skip_lines) as text:
        number, some = form.skip_lines, False
        while lines := list(islice(text, CHUNK_ROWS)):
            rows: dict[int, list[str]] = {}
            findings: list[Finding] = []
            for line in lines:
                number += 1
                if not _is_person(line, form):
                    continue
                some = True
                said = _broken(line.rstrip("\r\n"), form)
                if said:
                    findings.append(Finding(number, "", "missing_column_value", said))
                else:
                    rows[number] = _cells(line.rstrip("\r\n"), form, in_blocks)
            columns = [*_base(form), *in_blocks]
            index = pd.Index(list(rows), dtype="int64")
            yield pd.DataFrame(list(rows.values()), columns=columns, index=index, dtype="str"), findings
        if not some:
            raise ExtractError(name, "no line", "at least one", "Ask the SIS why the extract is empty.")


def column_names(_: IO[bytes], __: str, form: FixedWidthFormat) -> list[str]:
    """Give the columns that the format names, those of blocks too."""
    blocks = form.blocks
    named = [f"{name}.{one.name}" for name in blocks.names.values() for one in blocks.columns] if blocks else []
    return [*_base(form), *named]


def write_rejected(file: IO[bytes], name: str, form: FixedWidthFormat, rejects: Mapping[int, Finding]) -> bytes:
    """Give the rejected lines as they are, behind the lines that are skipped."""
    with open_text(file, name, form.encoding) as text:
        encoding = str(text.encoding).removesuffix("-sig")
        kept = [line for number, line in enumerate(text, 1) if number <= form.skip_lines or number in rejects]
    return "".join(kept).encode(encoding)


def _base(form: FixedWidthFormat) -> list[str]:
    rest = [form.blocks.rest] if form.blocks and form.blocks.rest else []
    return [*(one.name for one in form.columns), *rest]


def _of_blocks(form: FixedWidthFormat, wanted: list[str]) -> list[str]:
    """Give those of the wanted columns that blocks have."""
    if form.blocks is None:
        return []
    known = {one.name for one in form.blocks.columns}
    names = set(form.blocks.names.values())
    found = [(column, _BLOCK.fullmatch(column)) for column in dict.fromkeys(wanted)]
    return [column for column, one in found if one and one["name"] in names and one["column"] in known]


def _is_person(line: str, form: FixedWidthFormat) -> bool:
    return bool(line.strip()) and not (form.trailer and re.match(form.trailer, line))


def _cut(line: str, column: FixedColumn, offset: int = 0) -> str:
    begin = offset + column.start - 1
    return line[begin : begin + column.width].strip()


def _broken(line: str, form: FixedWidthFormat) -> str | None:
    """Say what is wrong with the length of a line; blanks at its end may be missing."""
    last = max(form.columns, key=lambda one: one.start)
    end = form.blocks.start - 1 if form.blocks else last.start + last.width - 1
    if form.blocks is None:
        return f"found {len(line)} characters; expected at most {end}" if len(line) > end else None
    blocks = form.blocks
    if blocks.count is None:
        return None
    said = _counted(line, form, blocks)
    if said is None:
        return f"found no number in {blocks.count}; expected that of the blocks"
    whole, rest = divmod(max(len(line) - end, 0), blocks.width)
    there = whole + bool(rest)
    enough = there >= said if blocks.rest else there == said
    return None if enough else f"found {there} blocks; expected {said}, as {blocks.count} says"


def _counted(line: str, form: FixedWidthFormat, blocks: Blocks) -> int | None:
    """Give how many blocks the line says it has; None where it says no number."""
    said = _cut(line, next(one for one in form.columns if one.name == blocks.count))
    return int(said) if said.isdecimal() else None


def _cells(line: str, form: FixedWidthFormat, in_blocks: list[str]) -> list[str]:
    base = [_cut(line, column) for column in form.columns]
    if form.blocks is None:
        return base
    end = len(line)
    if form.blocks.rest:
        end = form.blocks.start - 1 + (_counted(line, form, form.blocks) or 0) * form.blocks.width
        base.append(line[end:].strip())
    offsets = _offsets(line[:end], form.blocks)
    places = {one.name: one for one in form.blocks.columns}
    return [*base, *(_in_block(line, column, offsets, places) for column in in_blocks)]


def _offsets(line: str, blocks: Blocks) -> dict[str, list[int]]:
    """Give where the blocks of each name begin."""
    offsets: dict[str, list[int]] = {}
    for offset in range(blocks.start - 1, len(line), blocks.width):
        name = blocks.names.get(_cut(line, blocks.code, offset))
        if name:
            offsets.setdefault(name, []).append(offset)
    return offsets


def _in_block(line: str, column: str, offsets: dict[str, list[int]], places: dict[str, FixedColumn]) -> str:
    found = _BLOCK.fullmatch(column)
    if found is None:
        return ""
    there = offsets.get(found["name"], [])
    place = int(found["place"] or 0)
    return _cut(line, places[found["column"]], there[place]) if place < len(there) else ""
