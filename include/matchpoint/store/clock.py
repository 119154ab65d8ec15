"""The store's clock: the time that is given, unless a clock was set back, by which later would look like earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from matchpoint.store.tables import runs

LEAD = timedelta(days=1)
"""How far a clock can have been set back by mistake or season; a run from beyond had a clock that was wrong then."""


def after_all_runs(connection: Connection, now: datetime) -> datetime:
    """Give ``now``, or, where runs of the store were planned or applied at that time or a little later, just after.

    Who was changed before a plan, and who after it, is told by their times.
    """
    latest = connection.execute(select(func.max(runs.c.planned_at), func.max(runs.c.applied_at))).one()
    seen: list[datetime] = [
        time if time.tzinfo else time.replace(tzinfo=UTC) for time in latest if time
    ]  # SQLite forgets the zone
    return max([now, *(time + timedelta(microseconds=1) for time in seen if time - now < LEAD)])
