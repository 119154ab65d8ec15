"""The limits of what a file may unpack to: zips, workbooks (zips too) and OpenPGP messages."""

from __future__ import annotations

MAX_MEMBERS = 50
"""Alma takes at most 50 files in a zip."""
MAX_BYTES = 4 << 30
"""Alma takes at most 4 GB in a zip; here that bounds what comes out of one, of a workbook, of a message."""
MAX_RATIO = 200
"""Real extracts shrink by 5 to 30 times; more than this is a bomb."""
MAX_WORKBOOK_PARTS = 1_000
"""Sheets, styles and pictures in one workbook."""
MAX_TEXTS = 1 << 30
"""Bytes of a workbook's table of texts, which is held in memory as a whole while a sheet is read."""


SMALL = 16 << 20
"""Bytes up to which a part of a workbook may grow as it likes: sheets of cells that are only formatted do."""


def grows_too_much(packed: int, unpacked: int) -> bool:
    """Tell a bomb by how much it grows; both in bytes."""
    return unpacked > MAX_RATIO * max(packed, 1)
