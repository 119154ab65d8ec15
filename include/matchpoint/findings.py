"""Findings: what is wrong with one row. It is rejected, or, for a warning, loaded without the faulty part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["reject", "drop"]

TEXTS = {
    "bad_value": "The value cannot be converted",
    "missing_column_value": "The row has fewer or more fields than the header",
    "no_side_row": "No row of a joined file belongs to this one",
    "several_side_rows": "Different rows of a joined file belong to this one",
    "of_a_row_to_mend": "It belongs to a row that did not go through, and goes along with it",
    "schema": "The user is not valid Alma user XML",
    "mandatory": "Mandatory field is missing",
    "too_long": "The value is longer than Alma accepts",
    "control_character": "The value holds a control character that XML cannot hold",
    "not_a_date": "The value is not a date",
    "not_accepted": "The value is not one that Alma accepts",
    "code_unknown": "The code is not in Alma's code table",
    "code_not_for_record_type": "The code is not supported for the given user record type",
    "contact_identifier": "A contact user cannot have additional identifiers",
    "two_identifiers": "Request cannot contain two identifiers with the same value",
    "two_preferred": "Only one can be preferred",
    "match_point_missing": "The row has no value for any match point",
    "taken": "Identifier is already taken AcrossInstitution",
    "taken_in_feed": "Identifier is already taken AcrossInstitution in this feed",
    "not_external": "User is not external",
    "two_matches": "The match points hit two different users",
    "other_profile": "The user belongs to another integration profile",
    "known_person": "The row looks like a person who is known already; answer the proposal in the review list",
    "known_person_in_feed": "The row looks like another new person of this feed",
    "changed_since": "The user was changed by somebody else after the plan was made",
    "taken_since": "An identifier was taken by somebody else after the plan was made",
    "extract_changed": "The extract is not the one the plan was made from",
    "changed_after_run": "The user was changed by somebody else after this run first met its extracts",
    "no_match": "No user matches, and the profile says skip",
    "parked": "It waits for a person's answer, or the answer was no",
    "stopped": "Nothing of the run was applied: too many of its rows are faulty",
    "combined": "Another row of the feed about this person is loaded, and holds what this one says",
    "database": "The user store refused the row",
}
"""Fixed words per code, free of any row's value: they are what receipts and pages show.

``two_identifiers``, ``taken``, ``taken_in_feed``, ``not_external`` and ``mandatory`` are Alma's own words
(Alma SIS job report).
"""


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one row.

    ``row`` is the spreadsheet's row number (the header is row 1; in XML the n-th ``<user>``), ``field`` the
    Alma field or, where it is known better, the column, ``code`` a key of :data:`TEXTS`, and ``detail`` what
    was found and expected. ``detail`` may hold a value of the row, so it goes into the rejections file only.
    ``severity`` says what becomes of it: the row is rejected, or its faulty segment dropped with a warning.
    """

    row: int
    field: str
    code: str
    detail: str = ""
    severity: Severity = "reject"

    @property
    def message(self) -> str:
        """The whole sentence, for the one who mends the row."""
        return f"{TEXTS[self.code]}: {self.detail}" if self.detail else TEXTS[self.code]
