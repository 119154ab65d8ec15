"""Which runs count absences: only one that took a full feed, and only the newest.

A run of one named file, of a mended rejections file, or of some files of several says nothing about those who are not
in it. Who is in it is present all the same.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from matchpoint.profile.leavers import Leavers
from matchpoint.run_folder import Extract, RunFolder

FETCHED = "fetched.json"
"""What the fetch tells of a run: ``only_file``, the param, and ``waiting``, person files that were left."""

NOT_FULL = {
    "only_file": "the run took one named file only",
    "waiting": "a file was not complete yet and was left for the next run",
    "mended": "the run took mended rejections files only",
    "files_missing": "a file that leavers.files asks for was not there",
    "older_feed": "a newer feed was applied before",
}
"""Why a run counts nobody as absent, in words."""


def note_fetched(folder: RunFolder, *, only_file: str | None, waiting: list[str]) -> None:
    """Note in the run folder what :func:`why_not_full` asks for; ``waiting`` are names of person files."""
    folder.write_json(FETCHED, {"only_file": only_file, "waiting": waiting})


def why_not_full(folder: RunFolder, leavers: Leavers) -> str | None:
    """Give a key of :data:`NOT_FULL` when the run did not take a full feed, None when it did.

    A full feed is every person file of the profile's folder, none of them still being written, at least one of them
    no mended rejections file, and one for each pattern of ``leavers.files``. Where nothing was noted of the fetch,
    all files were taken.
    """
    fetched = folder.find_json(FETCHED) or {}
    if fetched.get("only_file"):
        return "only_file"
    if fetched.get("waiting"):
        return "waiting"
    whole = [one for one in folder.extracts if not one.join and not is_mended(one)]
    if not whole:
        return "mended"
    names = {name for one in whole for name in (one.name, one.member) if name}
    if not all(any(fnmatchcase(name, pattern) for name in names) for pattern in leavers.files):
        return "files_missing"
    return None


def is_mended(extract: Extract) -> bool:
    """Tell whether an extract is a rejections file that was dropped back, by the name that it was given."""
    return any(fnmatchcase(name, "*.rejected*") for name in (extract.name, extract.member or ""))
