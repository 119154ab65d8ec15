"""When something runs: a cron expression."""

from __future__ import annotations

from croniter import croniter


def checked_schedule(value: str | None) -> str | None:
    """Give the cron expression back; raises ValueError when it is none."""
    if value is not None and not croniter.is_valid(value):
        raise ValueError(f"{value!r} is not a cron expression; accepted is one like '0 5 * * *' or @daily")
    return value
