"""Judging a plan by the limits of its profile, by what like runs did, and by what is doubtful about its feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine

from matchpoint.guard import records
from matchpoint.guard.counts import Counted, count_people
from matchpoint.guard.limits import Night, reached
from matchpoint.guard.verdict import EVERYTHING, Judgement, Trip
from matchpoint.plan import read_summary
from matchpoint.profile import Profile
from matchpoint.profile.guard import Guard
from matchpoint.run_folder import RunFolder
from matchpoint.store import writing

_PARKS = {"create": {"create"}, "update": {"update"}, "leave": {"leave"}, "reject": EVERYTHING, "feed": EVERYTHING}
"""What waits because of a trip. Where the feed as a whole is doubtful, that is everything, and it is no feed in which
people are absent."""


def guard_plan(folder: RunFolder, engine: Engine, profile: Profile, *, now: datetime) -> Judgement:
    """Judge the plan of a run: which limits it reaches, and what of it waits for a person.

    Written to ``guard.json`` and, unless it is a dry run, to the store, where it supersedes the open questions of
    earlier synchronizes of the profile and where a plan with too many faulty rows stops the profile.
    """
    summary = read_summary(folder)
    counted = count_people(folder)
    with engine.connect() as connection:
        found = _judge(connection, profile.guard, summary, counted, list(_doubts(folder)))
    found.write(folder)
    if not summary["dry_run"]:
        with writing(engine).begin() as connection:
            records.note_judgement(connection, summary, found, now)
            if found.quarantine:
                records.quarantine(connection, profile.code, summary["run_id"], found.quarantine, now)
    return found


def _judge(
    connection: Connection, guard: Guard, summary: dict[str, Any], counted: Counted, doubts: list[Trip]
) -> Judgement:
    profile, mode, as_of = summary["profile"], summary["mode"], date.fromisoformat(summary["as_of"])
    of, processed = records.people_of(connection, profile) - counted.made.total(), summary["counts"]["processed"]
    past = records.past_nights(connection, profile, mode, summary["run_id"])
    people = {category: dict(groups) for category, groups in counted.people.items()}
    sizes = _sizes(connection, profile, of, past, counted=counted) if guard.by_group else {}
    night = Night(as_of, people, of, processed, sizes)
    trips = [*doubts, *_first_load(night, guard, past), *_unidentified(summary, counted)]
    if of or past:
        trips += reached(night, guard, past)
    parked = {category for trip in trips for category in _PARKS[trip.category]}
    waits = {category for category in parked if counted.left[category]}
    if "feed" in parked and summary["leavers"]:
        waits.add("feed")
    return Judgement(
        trips=trips,
        parked=sorted(waits),
        people=people,
        fields=dict(counted.fields.most_common()),
        examples=dict(counted.examples),
        of=of,
        processed=processed,
        sizes=sizes,
        quarantine=_quarantine(night, guard),
    )


def _sizes(
    connection: Connection, profile: str, of: int, past: Sequence[Night], *, counted: Counted
) -> dict[str, int]:
    """Give the people per user group, as they were before the run."""
    if not of or not any(counted.people.get(category) for category in EVERYTHING):
        return {}
    exact = bool(counted.people.get("leave") or counted.made)
    sizes = records.group_sizes(connection, profile, of, past, exact=exact)
    return {group: size - counted.made[group] for group, size in sizes.items() if size > counted.made[group]}


def _first_load(night: Night, guard: Guard, past: Sequence[Night]) -> Iterator[Trip]:
    people = night.total("create")
    if guard.first_load == "ask" and not night.of and not past and people:
        text = f"this is the first load of the profile: {people:,} people would be created"
        yield Trip("create", text, people=people)


def _unidentified(summary: dict[str, Any], counted: Counted) -> Iterator[Trip]:
    rows = (summary["leavers"] or {}).get("unidentified", 0)
    if rows and counted.left["leave"]:
        text = f"{rows:,} rows do not say whom they are about: somebody who would be removed may be among them"
        yield Trip("leave", text, people=counted.people["leave"].total())


def _doubts(folder: RunFolder) -> Iterator[Trip]:
    """Give what the health gate wants a person to look at."""
    for one in (folder.find_json("health.json") or {"verdicts": ()})["verdicts"]:
        if one["action"] == "hold":
            yield Trip("feed", one["text"])


def _quarantine(night: Night, guard: Guard) -> str | None:
    faulty = night.total("reject")
    if guard.quarantine is None or faulty < guard.reject.at_least or faulty < guard.quarantine * night.processed:
        return None
    return f"{faulty:,} of {night.processed:,} rows were not accepted; the limit is {guard.quarantine:.0%}"
