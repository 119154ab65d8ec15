"""People whom the SIS marks as confidential: which rows are theirs, and what pages show in place of their values.

Rejections files keep such rows, for nobody could mend them otherwise; the report says that they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matchpoint.profile import AlmaXmlFormat, Profile
from matchpoint.read.rows import read_rows
from matchpoint.run_folder import Extract, RunFolder

MASK = "(confidential)"
"""What a page shows in place of any value of a confidential person."""


def confidential_rows(folder: RunFolder, extract: Extract, profile: Profile) -> frozenset[int]:
    """Give the row numbers of a person file that the profile's ``confidential`` marks; none where it has no such key.

    A row that is too broken to be read might be anybody's and counts as marked. The extract is read for it, so this
    is for what comes after the work: reports and pages.
    """
    rule = profile.confidential
    if rule is None or extract.join or isinstance(profile.format, AlmaXmlFormat):
        return frozenset()
    marks = {value.strip().casefold() for value in rule.values}
    found: set[int] = set()
    with folder.root.joinpath(extract.path).open("rb") as file:
        for frame, broken in read_rows(file, extract.label, profile.format, [rule.column]):
            marked = frame[rule.column].str.strip().str.casefold().isin(marks)
            found.update(frame.index[marked].tolist(), (one.row for one in broken))
    return frozenset(found)


def mask_changes(changes: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give changes by field, before and after, without their values: that a field changes may be seen, not how."""
    return {name: [MASK, MASK] for name in changes}
