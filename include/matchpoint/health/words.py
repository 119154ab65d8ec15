"""The words of the gate: per sign what it is called, and what to do about it."""

from __future__ import annotations

from types import MappingProxyType

TITLES = MappingProxyType(
    {
        "unreachable": "The server cannot be reached",
        "empty": "The file has no rows",
        "truncated": "The file is cut off",
        "control_count": "The trailer counts other rows",
        "control_total": "The trailer has another total",
        "too_old": "The file is older than allowed",
        "same_as_before": "The file is the same as the last one",
        "missing_file": "A file that always comes is missing",
        "columns_changed": "Columns are new, gone or renamed",
        "columns_moved": "Columns are in another order",
        "encoding_changed": "The encoding is another, or letters broke",
        "row_count": "The number of rows is far from usual",
        "null_rate": "A column is empty more or less often than usual",
        "codes": "A column has other codes than usual",
    }
)
"""Per code the short name, for lists."""

TO_DO = MappingProxyType(
    {
        "empty": "Ask the SIS for it.",
        "truncated": "Have it sent again, whole.",
        "control_count": "Have it sent again; rows are missing or doubled.",
        "control_total": "Have it sent again; values were lost or changed on the way.",
        "too_old": "Ask the SIS why no newer one came.",
        "same_as_before": "Ask the SIS whether its export ran, if people should have changed.",
        "missing_file": "Ask the SIS for it; the people in it are not in this feed.",
        "columns_changed": "Ask the SIS what changed, and change the mapping if a column in it is meant.",
        "columns_moved": "Look whether the values still belong to the names of their columns.",
        "encoding_changed": "Look at names with accents, and ask the SIS what changed in its export.",
        "row_count": "Ask the SIS whether that is meant, before anybody counts as gone.",
        "null_rate": "Ask the SIS whether that is meant; users would lose, or get, what the column fills.",
        "codes": "Ask the SIS what the codes mean, and add them to the crosswalk.",
    }
)
"""Per code what to do."""

ACTIONS = MappingProxyType({"stop": "stopped", "hold": "held for approval", "warn": "warning"})
"""What each action is called where a verdict is shown."""


def percent(share: float) -> str:
    """Give 0.0421 as "4.2 %"."""
    return f"{100 * share:.1f} %"


def quoted(names: list[str], most: int = 5) -> str:
    """Name some things, and how many others there are."""
    more = f" and {len(names) - most} others" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
