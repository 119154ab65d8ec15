"""What the store remembers of judgements: past runs to learn from, questions with their answers, quarantines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from matchpoint.guard.limits import Night
from matchpoint.guard.verdict import Answer, Judgement
from matchpoint.store.guard_tables import judgements, quarantines
from matchpoint.store.tables import row_ledger, runs, users

REMEMBERED = 800
"""Past runs that are looked at: two years of nights."""
_COUNT_ANEW = 0.02
"""So large a part may the people per group have drifted since they were last counted."""


def people_of(connection: Connection, profile: str) -> int:
    """Count the people of a profile; the narrow row ledger has them all, once a synchronize has met them."""
    held = connection.scalar(select(func.count()).where(row_ledger.c.profile == profile))
    return held or connection.scalar(select(func.count()).where(*_of_profile(profile))) or 0


def past_nights(connection: Connection, profile: str, mode: str, run_id: str) -> list[Night]:
    """Give the runs of a profile and mode that were applied, and not refused by a person; the newest first."""
    query = (
        select(judgements.c.as_of, judgements.c.counts)
        .join(runs, runs.c.run_id == judgements.c.run_id)
        .where(
            judgements.c.profile == profile,
            judgements.c.mode == mode,
            judgements.c.run_id != run_id,
            runs.c.applied_at.is_not(None),
            or_(judgements.c.answer.is_(None), judgements.c.answer == Answer.APPROVE),
        )
        .order_by(judgements.c.judged_at.desc())
        .limit(REMEMBERED)
    )
    return [Night(date.fromisoformat(as_of), **counts) for as_of, counts in connection.execute(query)]


def group_sizes(
    connection: Connection, profile: str, of: int, past: Sequence[Night], *, exact: bool
) -> dict[str, int]:
    """Count a profile's active people per user group.

    That reads every user of the store. So the last count is taken where it need not be ``exact`` and the people have
    hardly become more or fewer since.
    """
    last = next((one for one in past if one.sizes), None)
    if last and not exact and abs(last.of - of) <= _COUNT_ANEW * of:
        return dict(last.sizes)
    group = users.c.document["user_group", "value"].as_string()
    status = users.c.document["status", "value"].as_string()
    query = select(group, func.count()).where(*_of_profile(profile), status == "ACTIVE").group_by(group)
    return {name or "": count for name, count in connection.execute(query)}


def _of_profile(profile: str) -> tuple[Any, ...]:
    return users.c.external_id == profile, users.c.account_type == "EXTERNAL"


# --- questions and answers ------------------------------------------------------------------------


def note_judgement(connection: Connection, summary: Mapping[str, Any], found: Judgement, now: datetime) -> None:
    """Keep the judgement of a run's plan in place of an earlier one; its answer holds while the question is the same.

    Where it is a synchronize, questions of earlier runs of the profile are superseded: this feed says anew what they
    asked about. An import has other people in each file, so its questions stay.
    """
    run_id, profile, mode = summary["run_id"], summary["profile"], summary["mode"]
    counts = {name: getattr(found, name) for name in ("people", "of", "processed", "sizes")}
    row = {
        "run_id": run_id,
        "profile": profile,
        "mode": mode,
        "as_of": summary["as_of"],
        "judged_at": now,
        "counts": counts,
        "trips": [asdict(one) for one in found.trips],
        "parked": found.parked,
        "asks": found.asks,
    }
    same = connection.execute(select(judgements).where(judgements.c.run_id == run_id)).mappings().one_or_none()
    if same is not None and same["trips"] == row["trips"]:
        row |= {name: same[name] for name in ("answer", "answered_by", "answered_at")}
    connection.execute(delete(judgements).where(judgements.c.run_id == run_id))
    connection.execute(insert(judgements).values(row))
    if mode == "synchronize":
        earlier = and_(judgements.c.profile == profile, judgements.c.mode == mode, judgements.c.run_id != run_id)
        connection.execute(
            update(judgements)
            .where(earlier, judgements.c.answer.is_(None), judgements.c.asks)
            .values(answer=Answer.SUPERSEDED, answered_by=run_id, answered_at=now)
        )


def waiting(connection: Connection, profile: str | None = None) -> list[str]:
    """List the runs whose question nobody has answered, the oldest first."""
    query = select(judgements.c.run_id).where(judgements.c.asks, judgements.c.answer.is_(None))
    if profile:
        query = query.where(judgements.c.profile == profile)
    return list(connection.scalars(query.order_by(judgements.c.judged_at)))


def note_answer(connection: Connection, run_id: str, answer: str, by: str, now: datetime) -> Answer:
    """Keep the answer to a run's question, unless there is one; give the one that holds."""
    asked = judgements.c.run_id == run_id
    connection.execute(
        update(judgements)
        .where(asked, judgements.c.answer.is_(None))
        .values(answer=Answer(answer), answered_by=by, answered_at=now)
    )
    held = connection.scalar(select(judgements.c.answer).where(asked))
    return Answer(held or Answer.SUPERSEDED)


def answer_of(connection: Connection, run_id: str) -> tuple[str | None, str | None, str | None]:
    """Give the answer to a run's question, by whom, and when as ISO 8601."""
    query = select(judgements.c.answer, judgements.c.answered_by, judgements.c.answered_at)
    found = connection.execute(query.where(judgements.c.run_id == run_id)).one_or_none()
    if found is None:
        return None, None, None
    answer, by, at = found
    return answer, by, at.isoformat() if at else None


# --- quarantine -----------------------------------------------------------------------------------


def quarantine(connection: Connection, profile: str, run_id: str, reason: str, now: datetime) -> None:
    """Stop a profile until somebody releases it; one that is stopped stays so."""
    if quarantined(connection, profile) is None:
        connection.execute(insert(quarantines).values(profile=profile, run_id=run_id, since=now, reason=reason))


def quarantined(connection: Connection, profile: str) -> str | None:
    """Tell why, since when and by which run a profile is stopped, or None."""
    query = select(quarantines.c.reason, quarantines.c.since, quarantines.c.run_id)
    found = connection.execute(query.where(*_open(profile))).first()
    return f"since {found.since:%Y-%m-%d %H:%M}, by {found.run_id}: {found.reason}" if found else None


def release(connection: Connection, profile: str, by: str, now: datetime) -> bool:
    """Let a profile run again; tell whether it was stopped."""
    released = update(quarantines).where(*_open(profile)).values(released_by=by, released_at=now)
    return bool(connection.execute(released).rowcount)


def _open(profile: str) -> tuple[Any, ...]:
    return quarantines.c.profile == profile, quarantines.c.released_at.is_(None)
