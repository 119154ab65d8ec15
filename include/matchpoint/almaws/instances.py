"""Runs of the Alma double's jobs, as Alma calls them instances: who may start one, what became of it, its events.

Status values are those that the public client almapy names, and QUEUED; Alma's type codes of counters are not found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, delete, func, select, update

from matchpoint.almaws.jobs import Job
from matchpoint.almaws.sis_job import Done
from matchpoint.errors import AccountError
from matchpoint.outcomes import Outcome
from matchpoint.store import writing
from matchpoint.store.bulk import reserve
from matchpoint.store.job_tables import job_events, job_instances

QUEUED, RUNNING, SUCCESS, FAILED = "QUEUED", "RUNNING", "COMPLETED_SUCCESS", "COMPLETED_FAILED"
GOING_ON = (QUEUED, RUNNING)
RUNNING_AT_ONCE = 3
"""Runs started by API that may go on at a time; one more is 402222."""
RUNS_IN_AN_HOUR = 5
"""Runs of one job in an hour; one more is 402223."""
KEPT = timedelta(days=365)
"""Alma keeps the history of jobs for about a year (said of the purge job; reference 7.1)."""
BROKEN_OFF = "The server was stopped while the job ran. Run the job again: its files are still in the folder."

COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "users.total": ("Total users processed", ("processed",)),
    "users.rejected": ("Users rejected", (Outcome.REJECTED, Outcome.CONFLICT, Outcome.FAILED)),
    "users.updated": ("Users updated successfully", (Outcome.UPDATED,)),
    "users.created": ("Users created successfully", (Outcome.CREATED,)),
    "users.unchanged": ("Users unchanged", (Outcome.UNCHANGED, Outcome.SKIPPED)),
}
"""Counters by a code of ours: label (reference 3.7) and the outcomes that it counts. A user whom nothing matches, and
whom the profile leaves out, is unchanged: Alma's sum has no other place."""


@dataclass(frozen=True)
class Wanted:
    """Which instances are asked for: those of some jobs, with a status, submitted from one day to another."""

    job_ids: Collection[str]
    status: str | None = None
    since: date | None = None
    until: date | None = None

    def where(self) -> ColumnElement[bool]:
        """Give the condition."""
        one = job_instances.c
        found: list[ColumnElement[bool]] = [one.job_id.in_(self.job_ids)]
        if self.status:
            found.append(one.status == self.status)
        if self.since:
            found.append(one.submitted_at >= _midnight(self.since))
        if self.until and self.until < date.max:  # there is no day after it
            found.append(one.submitted_at < _midnight(self.until + timedelta(days=1)))
        return and_(*found)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def submit(engine: Engine, job: Job, *, by: str, now: datetime) -> int:
    """Note that a job is to run, and give the instance's id; raises AccountError where Alma would refuse it."""
    with writing(engine).begin() as connection:
        number = reserve(connection, "job_instance", 1)  # its row is locked: one after the other
        _refuse(connection, job, now)
        values = {"id": number, "job_id": job.id, "name": job.name, "submitted_by": by, "submitted_at": now}
        fresh: dict[str, Any] = {"status": QUEUED, "status_at": now, "counters": {}, "alerts": []}
        connection.execute(job_instances.insert().values(**values, **fresh))
    return number


def _refuse(connection: Connection, job: Job, now: datetime) -> None:
    one = job_instances.c
    going = connection.scalars(select(one.job_id).where(one.status.in_(GOING_ON))).all()
    if job.id in going:
        raise AccountError("60347", f"Job {job.id} overlaps a run of it that is still going on.")
    if len(going) >= RUNNING_AT_ONCE:
        raise AccountError("402222", f"Only {RUNNING_AT_ONCE} jobs that were submitted by API may run at a time.")
    lately = and_(one.job_id == job.id, one.submitted_at > now - timedelta(hours=1))
    if (connection.scalar(select(func.count()).where(lately)) or 0) >= RUNS_IN_AN_HOUR:
        raise AccountError("402223", f"A job may be submitted by API {RUNS_IN_AN_HOUR} times in an hour.")


def begin(engine: Engine, instance: int, now: datetime) -> None:
    """Note that an instance runs."""
    _set(engine, instance, status=RUNNING, status_at=now, started_at=now)


def end(engine: Engine, instance: int, done: Done, now: datetime) -> None:
    """Note how an instance ended."""
    counted = {code: sum(done.counts.get(one, 0) for one in outcomes) for code, (_, outcomes) in COUNTERS.items()}
    status = FAILED if done.failed else SUCCESS
    told = {"counters": counted, "alerts": done.alerts, "run_id": done.run_id}
    _set(engine, instance, status=status, status_at=now, ended_at=now, **told)


def _set(engine: Engine, instance: int, **values: Any) -> None:
    with writing(engine).begin() as connection:
        connection.execute(update(job_instances).where(job_instances.c.id == instance).values(**values))


def break_off(engine: Engine, now: datetime) -> list[int]:
    """End what a server that was stopped left running, and give the ids; asked when a server starts."""
    one = job_instances.c
    values = {"status": FAILED, "status_at": now, "ended_at": now, "alerts": [BROKEN_OFF]}
    broken = update(job_instances).where(one.status.in_(GOING_ON)).values(values).returning(one.id)
    with writing(engine).begin() as connection:
        return list(connection.scalars(broken))


def forget(engine: Engine, before: datetime) -> None:
    """Delete instances that ended before a time, with their events, which hold the data of people."""
    with writing(engine).begin() as connection:
        connection.execute(delete(job_instances).where(job_instances.c.ended_at < before))


def find(engine: Engine, job_ids: Collection[str], instance: int) -> RowMapping | None:
    """Give an instance of some jobs as the table has it, or None."""
    one = job_instances.c
    with engine.connect() as connection:
        found = select(job_instances).where(one.id == instance, one.job_id.in_(job_ids))
        return connection.execute(found).mappings().one_or_none()


def find_any(connection: Connection, instance: int) -> RowMapping:
    """Give an instance that is there."""
    return connection.execute(select(job_instances).where(job_instances.c.id == instance)).mappings().one()


def listed(engine: Engine, wanted: Wanted, limit: int, offset: int) -> tuple[int, Sequence[RowMapping]]:
    """Give how many instances there are, and some of them, the newest first."""
    with engine.connect() as connection:
        number = connection.scalar(select(func.count()).select_from(job_instances).where(wanted.where())) or 0
        some = select(job_instances).where(wanted.where()).order_by(job_instances.c.id.desc())
        return number, connection.execute(some.limit(limit).offset(offset)).mappings().all()


def events(engine: Engine, instance: int, limit: int, offset: int) -> tuple[int, Sequence[RowMapping]]:
    """Give how many events an instance has, and some of them in order."""
    one = job_events.c
    with engine.connect() as connection:
        number = connection.scalar(select(func.count()).where(one.instance_id == instance)) or 0
        some = select(job_events).where(one.instance_id == instance).order_by(one.number)
        return number, connection.execute(some.limit(limit).offset(offset)).mappings().all()
