"""What the receipt and the rejections files say of side files: no users come of them, but they were read.

Rows to mend need their side rows again when they are dropped back. So those go into rejections files of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from matchpoint.findings import Finding
from matchpoint.joined import open_sides, read_side
from matchpoint.profile import AlmaXmlFormat, Profile
from matchpoint.read.rows import read_rows
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.sides import sides_of


def read_as(folder: RunFolder, extract: Extract) -> dict[str, Any]:
    """Give what a :class:`matchpoint.receipt.FileReceipt` says of a side file; of a person file nothing."""
    if not extract.join:
        return {}
    rows = folder.read_json(f"users/{extract.number:03}.json")["rows"]
    return {"joined_as": extract.join, "rows_read": rows}


def side_rejects(
    folder: RunFolder, profile: Profile, rejects: Mapping[int, list[Finding]]
) -> dict[int, list[Finding]]:
    """Give, per side file, the rows that belong to rows of people that did not go through."""
    extracts = folder.extracts
    keys: dict[int, set[str]] = defaultdict(set)
    for person in extracts if profile.joins else []:
        rows = {one.row for one in rejects.get(person.number, [])}
        if rows and not person.join:
            for join, found in _keys(folder, person, profile, rows).items():
                for side in sides_of(person, join, extracts):
                    keys[side.number] |= found
    return {one.number: _findings(folder, one, profile, keys[one.number]) for one in extracts if keys.get(one.number)}


def _keys(folder: RunFolder, person: Extract, profile: Profile, rows: Collection[int]) -> dict[str, set[str]]:
    """Give the keys of some rows of a person file, by join."""
    keys: dict[str, set[str]] = defaultdict(set)
    if isinstance(profile.format, AlmaXmlFormat):
        return keys
    with (
        folder.root.joinpath(person.path).open("rb") as file,
        open_sides(folder, person, profile) as sides,
    ):
        for whole, _ in read_rows(file, person.label, profile.format, profile.person_columns):
            frame = whole[whole.index.isin(list(rows))]
            for side in sides:
                keys[side.name] |= {one for some in side.keys(frame) for one in some}
                frame, _ = side.join(frame)
    return keys


def _findings(folder: RunFolder, side: Extract, profile: Profile, keys: Collection[str]) -> list[Finding]:
    join = profile.joins[side.join]
    return [
        Finding(int(row), f"joins.{side.join}", "of_a_row_to_mend")
        for frame, _ in read_side(folder, side, join, [])
        for row in frame.index[frame[join.key].isin(list(keys))]
    ]
