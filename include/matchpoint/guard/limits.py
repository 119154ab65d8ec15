"""Which limits a plan reaches. Pure: counts in, trips out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from statistics import median

from matchpoint.guard.verdict import Trip
from matchpoint.profile.guard import Category, Guard, Limit

LIKE_RUNS = 4
"""From so many like runs on, a limit is learned from them."""
SPREADS = 4.0
"""How far beyond the median of like runs is too far, in spreads (median absolute deviations, as of a normal one)."""
VANISHED = 3
"""From so many people on, a group of which nobody is left has vanished."""

_WOULD: Mapping[Category, str] = {
    "create": "would be created",
    "update": "would be changed",
    "leave": "would be removed",
    "reject": "are not accepted",
}


@dataclass(frozen=True)
class Night:
    """What a run, this one or one of the past, does: people per category and group, and of how many.

    ``of`` are the profile's people before the run, ``processed`` the rows of its feed, ``sizes`` the people per group
    where they were counted.
    """

    as_of: date
    people: Mapping[str, Mapping[str, int]]
    of: int
    processed: int
    sizes: Mapping[str, int]

    def total(self, category: str) -> int:
        """Give the people of a category."""
        return sum(self.people.get(category, {}).values())

    def whole(self, category: str) -> int:
        """Give of how many a category's people are a part."""
        return self.processed if category == "reject" else self.of


def reached(night: Night, guard: Guard, past: Sequence[Night]) -> Iterator[Trip]:
    """Give the limits that a run reaches; ``past`` are the runs of the same profile and mode that went well."""
    like = [one for one in past if _is_like(one.as_of, night.as_of, guard.terms)]
    for category in _WOULD:
        yield from _overall(category, night, guard, like)
        if guard.by_group and category != "reject":
            yield from _by_group(category, night, guard)


def _overall(category: Category, night: Night, guard: Guard, like: Sequence[Night]) -> Iterator[Trip]:
    people, limit = night.total(category), guard.limit(category)
    learned = _learned([one.total(category) for one in like], limit)
    most = _most(limit, night.whole(category)) if learned is None else learned
    if limit.count is not None:
        most = min(limit.count, most) if most is not None else limit.count
    if most is not None and people > most:
        yield _trip(category, people, most, night.whole(category), learned=learned is not None)


def _by_group(category: Category, night: Night, guard: Guard) -> Iterator[Trip]:
    limit = Limit(share=guard.limit(category).share, at_least=guard.limit(category).at_least)
    for group, people in sorted(night.people.get(category, {}).items()):
        size = night.sizes.get(group, 0)
        if not size:
            continue  # a group that is new has no share to be compared with
        if category == "leave" and people >= max(size, VANISHED):
            text = f"all {size:,} people of the group {group} would be removed"
            yield Trip(category, text, group, people, 0)
        elif (most := _most(limit, size)) is not None and people > most:
            yield _trip(category, people, most, size, group=group)


def _most(limit: Limit, whole: int) -> int | None:
    """Give how many people may be without asking; None when there is no limit."""
    return None if limit.share is None else max(floor(limit.share * whole), limit.at_least)


def _learned(past: Sequence[int], limit: Limit) -> int | None:
    """Learn a limit from what like runs did: their median, and beyond it some spreads or a quarter of it."""
    if len(past) < LIKE_RUNS or limit.share is None:
        return None
    middle = median(past)
    spread = 1.4826 * median(abs(one - middle) for one in past)
    return max(floor(middle + max(SPREADS * spread, middle / 4)), limit.at_least)


def _is_like(then: date, now: date, terms: Sequence[date]) -> bool:
    """Tell whether two days are in the same week of their terms, give or take one."""
    weeks = (_week(then, terms), _week(now, terms))
    return None not in weeks and abs((weeks[0] or 0) - (weeks[1] or 0)) <= 1


def _week(day: date, terms: Sequence[date]) -> int | None:
    """Give the week of term, from 0; None before the first one."""
    begun = [term for term in terms if term <= day]
    return (day - begun[-1]).days // 7 if begun else None


def _trip(category: Category, people: int, most: int, whole: int, *, group: str = "", learned: bool = False) -> Trip:
    who = f"{people:,} rows" if category == "reject" else f"{people:,} people"
    of_whom = f" of the group {group}" if group else ""
    why = "learned from like weeks" if learned else f"of {whole:,}"
    return Trip(
        category, f"{who}{of_whom} {_WOULD[category]}; the limit is {most:,} ({why})", group, people, most, learned
    )
