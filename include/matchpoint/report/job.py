"""The report of a job on users: counts and reasons on the page, the names in a file beside it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matchpoint.read.frames import guard
from matchpoint.report.render import render_job_html
from matchpoint.run_folder import RunFolder


@dataclass(frozen=True)
class Job:
    """What a job did, or in a dry run would do. ``left`` tells by primary id why a user was left as it was.

    ``listed`` is a file in ``rejections`` that the job wrote for staff, "" for none. ``tables`` are headings, each
    with words and numbers of users below.
    """

    title: str
    sentence: str
    dry_run: bool
    actor: str
    as_of: str
    run_id: str
    left: Mapping[str, str]
    file: str = "left_as_they_were.csv"
    listed: str = ""
    tables: Sequence[tuple[str, Sequence[tuple[str, int]]]] = ()

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """The reasons with the number of users, the most frequent first."""
        return Counter(self.left.values()).most_common()


def write_job_report(folder: RunFolder, job: Job) -> None:
    """Write ``report.html``, and the list of those left as they were, where there are any."""
    folder.path("report.html").write_text(render_job_html(job), encoding="utf-8")
    if job.left:
        write_listed(folder, job.file, ["primary_id", "reason"], job.left.items())


def write_listed(folder: RunFolder, name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a list for staff into ``rejections``, safe to be opened in a spreadsheet."""
    with folder.path("rejections", name).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows([guard(cell) for cell in row] for row in rows)
