"""The governor: by which door a delivery goes, how many people go now, and how long it will take. Pure.

Alma gives an institution so many requests a day for all its services, and 25 a second (reference 6.4). A delivery
leaves the reserve of the profile to the others. A night that may bear as many requests as this one is what the
forecast goes by, for how many a day Alma gives is told by no answer of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from matchpoint.amounts import counted, number
from matchpoint.deliver.outbox import DueCounts
from matchpoint.profile.destinations import AlmaSftp, Destinations

REQUESTS_CHANGED = 2
"""Requests for a person whom Alma has: it is asked for, and sent."""

Door = Literal["api", "sftp"]


@dataclass(frozen=True)
class Choice:
    """What a delivery will do: its ``door``, the ``people`` who are due, at ``most`` how many go now, in ``words``.

    ``requests`` is about how many requests all of them take, 0 by file.
    """

    door: Door
    people: int
    most: int
    requests: int
    words: str


def choose(due: DueCounts, to: Destinations, *, left_today: int | None = None, ways_to_find_new: int = 1) -> Choice:
    """Choose the door, and how many people go now.

    ``left_today`` is how many requests Alma still takes today, None where it does not say; ``ways_to_find_new`` by
    how many identifiers Alma is asked for a person before it is taken for new. With both doors, the API takes what it
    can bear now within ``api_minutes``, and the files all else.
    """
    people = due.people
    requests = due.changed * REQUESTS_CHANGED + due.new * (ways_to_find_new + 1)
    if to.alma_api is None:
        return _by_file(people, to.alma_sftp)
    budget = requests if left_today is None else max(0, left_today - to.alma_api.reserve)
    minutes = requests / to.alma_api.rate / 60
    if to.alma_sftp and (minutes > to.api_minutes or requests > budget):
        return _by_file(people, to.alma_sftp)
    most = people if requests <= budget else budget * people // requests
    words = (
        f"{_people(people)} by the API: about {counted(requests, 'request')}, {_minutes(minutes)} at "
        f"{to.alma_api.rate} a second; {_nights(people, most, to.alma_api.reserve)}"
    )
    return Choice("api", people, most, requests, words)


def _by_file(people: int, to: AlmaSftp | None) -> Choice:
    most = min(people, to.most) if to else 0
    loads = ceil(people / most) if most else 0
    words = f"{_people(people)} by file: {counted(loads, 'load')}" + (
        f", {number(most)} people now, the rest in the next {counted(loads - 1, 'night')}." if loads > 1 else "."
    )
    return Choice("sftp", people, most, 0, words)


def _nights(people: int, most: int, reserve: int) -> str:
    if most >= people:
        return "all of them now."
    if not most:
        return f"nobody now: of today's requests only the reserve of {number(reserve)} is left."
    nights = ceil((people - most) / most)
    return f"{number(most)} of them now, the rest in {counted(nights, 'night')} like this one."


def _people(people: int) -> str:
    return "1 person" if people == 1 else f"{number(people)} people"


def _minutes(minutes: float) -> str:
    return "less than a minute" if minutes < 1 else counted(round(minutes), "minute")
