"""Checking the feed of a run: measure, judge, keep. What comes of it stands in ``health.json`` of the run folder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from matchpoint.health.judge import Feed, earlier, judge
from matchpoint.health.measure import measure_extract
from matchpoint.health.measured import Measured
from matchpoint.health.verdict import Verdict
from matchpoint.profile import Mode, Profile
from matchpoint.run_folder import RunFolder
from matchpoint.store import writing
from matchpoint.store.feeds import good_feeds, note_feed

HEALTH = "health.json"


def check_feed(
    folder: RunFolder,
    engine: Engine,
    profile: Profile,
    *,
    mode: Mode,
    run_id: str,
    due: datetime,
    now: datetime,
    dry_run: bool = False,
    only_file: str | None = None,
) -> list[Verdict]:
    """Measure the extracts of a run, judge them, and give the verdicts, the stops first.

    ``due`` is when the run was due. ``health.json`` gets ``verdicts``, ``files`` (what was measured) and ``charts``
    (the last good feeds, and this one). The store is told what was measured, except by a dry run; the feed is good
    once the run is applied. Done again, it says the same. Raises :class:`ExtractError` as
    :func:`matchpoint.health.measure.measure_extract` does.
    """
    files = [measure_extract(folder, extract, profile) for extract in folder.extracts]
    with engine.connect() as connection:
        good = good_feeds(connection, profile=profile.code, mode=mode, run_id=run_id, limit=profile.health.feeds)
    past = [Feed(at, [Measured.of(one) for one in some]) for at, some in good]
    reads, is_chosen = profile.person_columns, only_file is not None
    verdicts = judge(files, past, profile.health, due=due.timestamp(), reads=reads, is_chosen=is_chosen)
    health = {
        "verdicts": [one.as_dict() for one in verdicts],
        "files": [one.as_dict() for one in files],
        "charts": _charts(files, past, verdicts, due.isoformat()),
    }
    folder.write_json(HEALTH, health)
    if not dry_run:
        kept = [one.as_dict() for one in files if not one.is_mended]
        with writing(engine).begin() as connection:
            note_feed(connection, kept, run_id=run_id, profile=profile.code, mode=mode, now=now)
    return verdicts


def told_health(folder: RunFolder) -> dict[str, Any] | None:
    """Give the verdicts and charts of a run for its receipt; None when its feed was not checked."""
    health = folder.find_json(HEALTH)
    return {"verdicts": health["verdicts"], "charts": health["charts"]} if health else None


def _charts(files: list[Measured], past: list[Feed], verdicts: list[Verdict], at: str) -> list[dict[str, Any]]:
    """Give the rows of each file over time, and how often the columns are empty that drifted; this feed is the last.

    A point is a time and a value; a chart of one point is none.
    """
    charts = []
    for one in files:
        line = [] if one.is_mended else [*reversed(earlier(one, past)), (at, one)]
        drifted = [v.column for v in verdicts if (v.subject, v.code) == (one.label, "null_rate")]
        rows = [(time, other.rows) for time, other in line if other.rows is not None]
        of_file = [{"file": one.label, "column": "", "points": rows}]
        for column in drifted:
            shares = [(time, other.columns[column]["empty"]) for time, other in line if column in other.columns]
            of_file.append({"file": one.label, "column": column, "points": shares})
        charts += [chart for chart in of_file if len(chart["points"]) > 1]
    return charts
