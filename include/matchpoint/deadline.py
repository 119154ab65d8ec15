"""By when an extract is expected, and whether it came."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, exists, insert, or_, select
from sqlalchemy.exc import IntegrityError

from matchpoint.profile import Profile
from matchpoint.profile.notices import WEEKDAYS
from matchpoint.store import writing
from matchpoint.store.notice_tables import notices
from matchpoint.store.tables import file_ledger, runs


def day_overdue(profile: Profile, now: datetime) -> date | None:
    """Give the day, where the profile's clocks stand, whose deadline has passed; None when none has.

    ``now`` has a time zone.
    """
    expected = profile.notices
    is_active = profile.action("import") or profile.action("synchronize")
    if expected is None or expected.deadline is None or not is_active:
        return None
    there = now.astimezone(ZoneInfo(profile.timezone))
    due_today = WEEKDAYS[there.weekday()] in expected.expected_days
    return there.date() if due_today and there.time() >= expected.deadline else None


def has_arrived(engine: Engine, profile: Profile, day: date) -> bool:
    """Tell whether an extract of a profile was applied, or is planned and waits, since the beginning of a day."""
    since = datetime.combine(day, time.min, ZoneInfo(profile.timezone)).astimezone(ZoneInfo("UTC"))
    applied = exists().where(file_ledger.c.profile == profile.code, file_ledger.c.applied_at >= since)
    planned = exists().where(runs.c.profile == profile.code, runs.c.planned_at >= since)
    with engine.connect() as connection:
        return bool(connection.scalar(select(or_(applied, planned))))


def untold(engine: Engine, profile: Profile, day: date) -> list[str]:
    """Give the channels by which it is still to be told that nothing arrived on a day."""
    asked = select(notices.c.channel).filter_by(profile=profile.code, occasion="nothing_arrived", day=day.isoformat())
    with engine.connect() as connection:
        told = set(connection.scalars(asked))
    channels = profile.notices.channels("nothing_arrived") if profile.notices else []
    return [channel for channel in channels if channel not in told]


def note_told(engine: Engine, profile: Profile, day: date, channel: str, now: datetime) -> None:
    """Note that it was told by a channel that nothing arrived on a day; noted twice it is noted once."""
    row = {"profile": profile.code, "occasion": "nothing_arrived", "day": day.isoformat(), "channel": channel}
    try:
        with writing(engine).begin() as connection:
            connection.execute(insert(notices).values(**row, sent_at=now))
    except IntegrityError:
        return
