"""Which run of Alma's SIS job took a load. Alma's own schedule may start one, too, and an answer may get lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from matchpoint.run_folder import RunFolder

Instance = Mapping[str, Any]
"""A run of a job, in the JSON form of Alma's API."""


@dataclass(frozen=True)
class Job:
    """The job of a load: its id, the ``load`` by the name of its first zip, and which instance took it, once known.

    ``known`` are the instances that had ended before the load was there: none of them took it.
    """

    id: str
    load: str
    known: list[str] = field(default_factory=list)
    instance: str = ""

    @classmethod
    def find(cls, folder: RunFolder) -> Job | None:
        """Read it from a run folder; None when there is none yet."""
        told = folder.find_json("delivery/job.json")
        return cls(**told) if told else None

    def write(self, folder: RunFolder) -> None:
        """Write it into a run folder: a task that is cleared and run again goes on from there."""
        folder.write_json("delivery/job.json", asdict(self))

    def taken_by(self, instance: str) -> Job:
        """Give the job with the instance that took the load."""
        return replace(self, instance=instance)


def job_of_load(jobs: Sequence[Instance]) -> str | None:
    """Give the id of the one job among those of a profile that synchronizes; None when it is not one.

    Alma names it "Users SYNCHRONIZE using profile NAME" (reference 2.3).
    """
    fitting = [str(one["id"]) for one in jobs if "synchronize" in str(one.get("name", "")).lower()]
    return fitting[0] if len(fitting) == 1 else None


def status_of(instance: Instance) -> str:
    """Give the status of an instance, as Alma has it."""
    said = instance.get("status") or ""
    return str(said.get("value", "") if isinstance(said, Mapping) else said)


def has_ended(instance: Instance) -> bool:
    """Tell whether an instance has come to its end. Alma's values of the status are not found: so by their words."""
    return bool(instance.get("end_time")) or bool(re.search(r"COMPLETE|FAIL|ABORT", status_of(instance), re.I))


def has_failed(instance: Instance) -> bool:
    """Tell whether an instance ended without loading its files; by the words of its status, as above."""
    return bool(re.search(r"FAIL|ABORT|ERROR", status_of(instance), re.I))


def next_step(
    job: Job, instances: Sequence[Instance], *, is_waiting: bool
) -> tuple[Literal["take", "wait", "ask"], str]:
    """Say what to do for a load: take an instance (its id is given), wait, or ask Alma to run the job.

    ``instances`` are the newest of the job, the newest first; ``is_waiting`` says that files of the load lie there
    still, as they were sent. Whoever runs now may be at them; when they are gone, the newest took them.
    """
    since = [one for one in instances if str(one["id"]) not in job.known]
    if not is_waiting:
        return ("take", str(since[0]["id"])) if since else ("wait", "")
    return ("ask", "") if all(has_ended(one) for one in instances) else ("wait", "")
