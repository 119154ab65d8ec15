"""Feeds of made-up people, and the gate they go through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from helpers import House, csv_text, make_profile, person

from matchpoint.health.check import check_feed
from matchpoint.health.verdict import Verdict
from matchpoint.profile import Profile

SENT = 1_700_000_000
"""When the files of a house's fetch were sent, in seconds since 1970."""
DUE = datetime.fromtimestamp(SENT + 2 * 3_600, UTC)

Files = Mapping[str, str | bytes]


def people(number: int, first: int = 1, **changes: str) -> list[dict[str, str]]:
    """Make rows; of three people two are undergraduates, and one has an accent in the name."""
    return [
        person(n, GROUP="GR" if n % 3 == 0 else "UG", FIRST="Zoë" if n % 3 == 0 else f"Firstname{n}", **changes)
        for n in range(first, first + number)
    ]


def feed(number: int, first: int = 1, **changes: str) -> dict[str, str]:
    """Make a feed of one file whose name has the first number in it, as a date would be."""
    return {f"people_{first}.csv": csv_text(people(number, first, **changes))}


def with_health(**health: Any) -> Profile:
    """Make the profile of ``PEOPLE`` with a health section."""
    return make_profile(health=health)


def check(house: House, run_id: str, files: Files, **options: Any) -> list[Verdict]:
    """Fetch and check, as a run does before anything else."""
    house.fetch(run_id, files)
    return check_again(house, run_id, **options)


def check_again(house: House, run_id: str, **options: Any) -> list[Verdict]:
    """Check what a run has fetched."""
    how = {"mode": "synchronize", "run_id": run_id, "due": DUE, "now": house.now(), **options}
    return check_feed(house.folder(run_id), house.engine, house.profile, **how)


def good(house: House, *feeds: Files) -> list[list[Verdict]]:
    """Let runs with these feeds go the whole way; gives what the gate said to each."""
    told = []
    for files in feeds:
        run_id = f"good {house.minutes}"
        house.plan(run_id, files)
        told.append(check_again(house, run_id))
        house.apply(run_id)
    return told


def said(verdicts: Iterable[Verdict]) -> list[tuple[str, str, str]]:
    """Give code, action and column of verdicts."""
    return [(one.code, one.action, one.column) for one in verdicts]


def only(verdicts: Iterable[Any]) -> Any:
    """Give the one verdict that there is."""
    [one] = verdicts
    return one
