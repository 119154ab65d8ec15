"""The report of an undo: counts and reasons on the page, who and what in files beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from typing import Any, cast

import orjson

from matchpoint.amounts import counted, number
from matchpoint.read.frames import guard
from matchpoint.report.job import Job, write_job_report
from matchpoint.run_folder import RunFolder
from matchpoint.undo.rows import read_rows
from matchpoint.undo.verdicts import WORDS

CHANGES = "taken_back.csv"
"""Under ``rejections/``: who, which field, from what to what."""
_LOADS = {"synchronize", "import"}


def sentence(summary: Mapping[str, Any]) -> str:
    """Say in some sentences what an undo takes back, and that the feed would bring it again."""
    counts = summary["counts"]
    parts = [
        (counts["changed"], "changed back"),
        (counts["deleted"], "deleted, since the run made them"),
        (counts["created"], "brought back, since the run deleted them"),
        (counts["left"], "left as they are"),
    ]
    told = ", ".join(f"{number(n)} {words}" for n, words in parts if n)
    said = f"{counted(counts['users'], 'user')}: {told}." if counts["users"] else "Nobody."
    if counts["partly"]:
        said += f" Of {counted(counts['partly'], 'user')} some fields are left."
    if summary["mode"] in _LOADS:
        said += (
            f" The next synchronize of {summary['profile']} with the same extract does it again: mend the extract or"
            " the profile first, or switch its DAG off."
        )
    return said


def write_report(
    folder: RunFolder, summary: Mapping[str, Any], actor: str, as_of: str, refused: Mapping[int, str] | None = None
) -> None:
    """Write ``report.html``, the list of what is taken back, and that of what is left.

    ``refused`` are users who were left after all when the plan was applied, with codes of :data:`WORDS`.
    """
    refused = refused or {}
    left = {
        row.primary_id: WORDS[refused[row.user_id]] if row.user_id in refused else row.why_left
        for row in read_rows(folder)
        if row.user_id in refused or row.why_left
    }
    counts = summary["counts"]
    said = sentence(summary)
    if counts["changed"] + counts["deleted"] + counts["created"]:
        with folder.path("rejections", CHANGES).open("wb") as out:
            text = TextIOWrapper(cast(Any, out), encoding="utf-8", newline="", write_through=True)
            csv.writer(text).writerows(_lines(folder))
            text.detach()
        said += f" Who and what is in rejections/{CHANGES} of the run folder."
    if refused:
        said += f" {counted(len(refused), 'user')} of these came out otherwise, since the plan was made before."
    title = f"Undo {summary['undone_run'] or 'of a last change'}"
    write_job_report(folder, Job(title, said, summary["dry_run"], actor, as_of, summary["run_id"], left))


def _lines(folder: RunFolder) -> Iterator[list[str]]:
    yield ["primary_id", "what", "field", "now", "then"]
    for row in read_rows(folder):
        if row.deed in {"delete", "create"}:
            yield [guard(row.primary_id), row.deed, "", "", ""]
        for name, (now, then) in row.changed.items():
            yield [guard(row.primary_id), row.deed, name, guard(_text(now)), guard(_text(then))]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
