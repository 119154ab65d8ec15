"""The history of feeds: noting what a run's files were like, and recalling the last good ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select

from matchpoint.store.feed_tables import feeds
from matchpoint.store.guard_tables import ACCEPTED, judgements
from matchpoint.store.tables import runs


def note_feed(
    connection: Connection,
    measured: Sequence[Mapping[str, Any]],
    *,
    run_id: str,
    profile: str,
    mode: str,
    now: datetime,
) -> None:
    """Note what the files of a run are like, in place of what was noted of it before.

    ``measured`` are values that JSON takes, each with its ``number`` and ``rows``. A run keeps the time at which it
    first noted, so that it is always compared with the same feeds.
    """
    first = connection.scalar(select(func.min(feeds.c.noted_at)).where(feeds.c.run_id == run_id))
    connection.execute(delete(feeds).where(feeds.c.run_id == run_id))
    of_run = {"run_id": run_id, "profile": profile, "mode": mode, "noted_at": first or now}
    rows = [{**of_run, "extract": one["number"], "rows": one["rows"], "measured": one} for one in measured]
    if rows:
        connection.execute(insert(feeds), rows)


def forget_feed(connection: Connection, run_id: str) -> None:
    """Forget what was noted of a run: of one whose changes were taken back the feed was not good after all."""
    connection.execute(delete(feeds).where(feeds.c.run_id == run_id))


def good_feeds(
    connection: Connection, *, profile: str, mode: str, run_id: str, limit: int
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Give the last feeds of a profile and mode that were applied before this run, the newest first.

    Each is the time at which it was noted (ISO 8601) with what was measured of its files, in their order.
    """
    mine = connection.scalar(select(func.min(feeds.c.noted_at)).where(feeds.c.run_id == run_id))
    # What waits for a person, or was refused, is nothing to go by.
    stands = or_(~judgements.c.asks, judgements.c.answer.in_(ACCEPTED))
    good = (
        select(feeds.c.run_id, func.min(feeds.c.noted_at).label("at"))
        .join(runs, runs.c.run_id == feeds.c.run_id)
        .outerjoin(judgements, judgements.c.run_id == feeds.c.run_id)
        .where(feeds.c.profile == profile, feeds.c.mode == mode, feeds.c.run_id != run_id)
        .where(runs.c.applied_at.is_not(None), or_(judgements.c.run_id.is_(None), stands))
        .group_by(feeds.c.run_id)
        .order_by(func.min(feeds.c.noted_at).desc(), feeds.c.run_id.desc())
        .limit(limit)
    )
    good = good if mine is None else good.where(feeds.c.noted_at < mine)
    chosen = {one.run_id: one.at for one in connection.execute(good)}
    of_run: dict[str, list[dict[str, Any]]] = {run: [] for run in chosen}
    files = select(feeds.c.run_id, feeds.c.measured).where(feeds.c.run_id.in_(list(chosen))).order_by(feeds.c.extract)
    for run, measured in connection.execute(files):
        of_run[run].append(measured)
    return [(chosen[run].isoformat(), some) for run, some in of_run.items()]
