"""Reading a person file with its side files: every frame of people gets the columns of the rows that are theirs.

The rows of each side file go into an index on local disk, by key; then the person file is read in chunks as ever, and
each chunk asks the index for its keys. So memory is bounded whatever the size of either file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import pandas as pd

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile import Join, Profile, RowFormat
from matchpoint.profile.joins import SideColumn, side_columns
from matchpoint.read.rows import read_rows
from matchpoint.read.side_index import SideIndex
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.sides import needed

Cells = list[str]
Chunk = tuple[pd.DataFrame, list[Finding]]


def read_joined(
    folder: RunFolder, file: IO[bytes], extract: Extract, profile: Profile, form: RowFormat
) -> Iterator[Chunk]:
    """Read a person file in chunks as :func:`read_rows` does, with the columns of its side files.

    A person whose side rows are not what the profile accepts has a finding and is still in the frame. Raises
    :class:`ExtractError` when a side file is missing or cannot be read.
    """
    if not profile.joins:
        yield from read_rows(file, extract.label, form, profile.columns)
        return
    with open_sides(folder, extract, profile) as sides:
        for chunk in read_rows(file, extract.label, form, profile.person_columns):
            yield reduce(_with_side, sides, chunk)


@contextmanager
def open_sides(folder: RunFolder, person: Extract, profile: Profile) -> Iterator[list[Side]]:
    """Open the joins of a profile for a person file, in their order, for as long as it is read."""
    by_join = needed(person, folder.extracts, profile)
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="matchpoint-")))
        yield [
            stack.enter_context(_open_side(folder, name, extracts, profile, home))
            for name, extracts in by_join.items()
        ]


def _with_side(chunk: Chunk, side: Side) -> Chunk:
    frame, found = side.join(chunk[0])
    return frame, chunk[1] + found


class Side:
    """One join of a profile with the index of its side files."""

    def __init__(self, name: str, join: Join, columns: list[SideColumn], index: SideIndex) -> None:
        self.name = name
        self.how = join
        self.columns = columns
        self.cells = list(dict.fromkeys(one.column for one in columns))
        self._index = index
        places = [0, *(one.place for one in columns)]
        self._most = {"first": 1, "last": 1, "reject": 2}.get(join.several, 1 + max(places))

    def keys(self, frame: pd.DataFrame) -> list[list[str]]:
        """Give the keys of each person."""
        whole = frame[self.how.person_key].str.strip().tolist()
        divided = ([one.strip() for one in text.split(self.how.divided_by or "\0")] for text in whole)
        return [[one for one in some if one] for some in divided]

    def join(self, frame: pd.DataFrame) -> Chunk:
        """Give the frame with the columns of the side rows, and the people who have none, or too many."""
        keys = self.keys(frame)
        by_key = self._found({one for some in keys for one in some})
        theirs = [self._taken(cells for one in some for cells in by_key.get(one, [])) for some in keys]
        findings = [found for row, some in zip(frame.index, theirs, strict=True) for found in self._faults(row, some)]
        more = {one.name: [self._cell(some, one) for some in theirs] for one in self.columns}
        return pd.concat([frame, pd.DataFrame(more, index=frame.index, dtype="str")], axis=1), findings

    def _cell(self, theirs: list[Cells], wanted: SideColumn) -> str:
        return theirs[wanted.place][self.cells.index(wanted.column)] if wanted.place < len(theirs) else ""

    def _found(self, keys: set[str]) -> dict[str, list[Cells]]:
        by_key: dict[str, list[Cells]] = {}
        for key, cells in self._index.find(keys):
            by_key[key] = self._taken([*by_key.get(key, []), cells])
        return by_key

    def _taken(self, rows: Iterable[Cells]) -> list[Cells]:
        """Keep as many rows as can matter: a row that says the same again is none."""
        taken: list[Cells] = []
        for cells in rows:
            if cells not in taken:
                taken.append(cells)
            taken = taken[-1:] if self.how.several == "last" else taken[: self._most]
        return taken

    def _faults(self, row: int, theirs: list[Cells]) -> Iterator[Finding]:
        where = f"joins.{self.name}"
        if not theirs and self.how.missing == "reject":
            yield Finding(row, where, "no_side_row", f"found none with the value of {self.how.person_key}")
        if len(theirs) > 1 and self.how.several == "reject":
            yield Finding(row, where, "several_side_rows", f"found different ones with that {self.how.key}")


@contextmanager
def _open_side(folder: RunFolder, name: str, extracts: list[Extract], profile: Profile, home: Path) -> Iterator[Side]:
    """Open a join with the rows of its side files in an index below ``home``."""
    index = SideIndex(home / f"{name}.sqlite")
    try:
        side = Side(name, profile.joins[name], columns_of(profile, name), index)
        for extract in extracts:
            _fill(index, folder, extract, side)
        index.finish()
        yield side
    finally:
        index.close()


def columns_of(profile: Profile, join: str) -> list[SideColumn]:
    """Give the columns of a join that a profile reads."""
    return [one for one in side_columns(profile.columns, profile.joins) if one.join == join]


def _fill(index: SideIndex, folder: RunFolder, extract: Extract, side: Side) -> None:
    """Put a side file into the index; what it says to the report goes into the run folder."""
    rows, findings = 0, []
    for frame, found in read_side(folder, extract, side.how, side.cells):
        index.add(zip(frame[side.how.key].tolist(), frame[side.cells].to_numpy().tolist(), strict=True))
        rows += len(frame) + len(found)
        findings += found
    folder.write_lines(f"findings/{extract.number:03}.jsonl", map(asdict, findings))
    folder.write_json(f"users/{extract.number:03}.json", {"rows": rows, "rejected": 0})


def read_side(folder: RunFolder, extract: Extract, join: Join, columns: Iterable[str]) -> Iterator[Chunk]:
    """Read a side file in chunks: the rows that say whose they are, with the findings of those that cannot be read.

    Those are warnings, for no person is rejected by them. Raises :class:`ExtractError` where the join does not accept
    them.
    """
    wanted = list(dict.fromkeys([join.key, *join.where, *columns]))
    with folder.root.joinpath(extract.path).open("rb") as file:
        for frame, found in read_rows(file, extract.label, join.format, wanted):
            if found and join.bad_row == "fail":
                raise _unreadable(extract, found[0])
            rows = frame[wanted].map(str.strip)
            kept = rows[join.key] != ""
            for column, values in join.where.items():
                kept &= rows[column].isin(values)
            yield rows[kept], [replace(one, field=f"joins.{extract.join}", severity="drop") for one in found]


def _unreadable(extract: Extract, found: Finding) -> ExtractError:
    return ExtractError(
        extract.label,
        f"a row that cannot be read ({found.detail})",
        "a whole row, for nobody can tell whose it is",
        f"Have it mended; or set bad_row: drop in joins.{extract.join} to go on without such rows.",
        place=f"row {found.row}",
    )
