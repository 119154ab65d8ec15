"""The receipt: what a run did, without a person's data."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

from matchpoint.guard.verdict import Judgement
from matchpoint.outcomes import add_counts


@dataclass(frozen=True)
class FileReceipt:
    """One extract of a run.

    ``name`` is the remote file's name, ``member`` the file inside it when it was a zip, ``sha256`` and
    ``size`` (bytes) those of the extract, ``counts`` as :func:`matchpoint.outcomes.count_outcomes` gives
    them, ``rejections`` the name of the mendable file in the run folder, or None. A side file has no counts, for no
    users come of it: ``joined_as`` is the name of its join, ``rows_read`` how many rows were read of it.
    ``confidential`` are the rows of its rejections file that are of people whom the SIS marks so.
    """

    name: str
    member: str | None
    sha256: str
    size: int
    counts: dict[str, int]
    rejections: str | None = None
    joined_as: str | None = None
    rows_read: int | None = None
    confidential: int = 0


@dataclass(frozen=True)
class Reason:
    """Why rows of one outcome came out so.

    ``code`` is stable for machines, ``text`` is for people and holds no value of any row. ``examples`` are
    up to five ``[file name, row number]`` pairs.
    """

    outcome: str
    code: str
    field: str
    text: str
    rows: int
    examples: list[tuple[str, int]] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class Receipt:
    """What a run did (or, when ``dry_run``, would do). Times are ISO 8601 in UTC, ``as_of`` an ISO date.

    ``changed_fields`` counts, for updated rows, how many users changed per Alma field. ``warnings`` tell what was
    dropped of rows that were loaded without it; their outcome is "". ``judged`` is what the guard said of the plan,
    None where it was not asked. ``health`` has the ``verdicts`` on the feed and the ``charts`` of the last ones, as
    :func:`matchpoint.health.check.check_feed` keeps them; None without one. ``leavers`` counts people who are not in
    the feed, as :class:`matchpoint.leavers.files.LeaverCounts` says; None where the profile does nothing about them.
    """

    run_id: str
    profile: str
    profile_name: str
    mode: str
    dry_run: bool
    as_of: str
    started_at: str
    finished_at: str
    files: list[FileReceipt]
    reasons: list[Reason]
    changed_fields: dict[str, int]
    plan_sha256: str
    warnings: list[Reason] = dataclasses.field(default_factory=list)
    judged: Judgement | None = None
    health: dict[str, Any] | None = None
    leavers: dict[str, Any] | None = None

    @property
    def total(self) -> dict[str, int]:
        """The counts of all files together."""
        return add_counts(one.counts for one in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Give the receipt as plain JSON values, with ``total``."""
        return {**asdict(self), "total": self.total}
