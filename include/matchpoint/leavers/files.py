"""What a run tells of leavers in its run folder, a row per person, and how they are counted.

::

    leavers.parquet          who is absent, held, stepped, or back, and the user to be written
    leavers_applied.jsonl    who could not be stepped when the plan was applied: user, step, code
    clearance.csv            who is held by what is owed, for the desk
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from matchpoint.leavers.words import WORDS
from matchpoint.read.frames import guard
from matchpoint.record_files import read_records, write_records
from matchpoint.run_folder import RunFolder
from matchpoint.store.absences import HAND_OVER

BATCH_ROWS = 1_000
FILE, APPLIED, CLEARANCE = "leavers.parquet", "leavers_applied.jsonl", "clearance.csv"

STEPS = frozenset({"expire", "deactivate", "purge_date", HAND_OVER})
"""Steps that write something."""
CONFLICT, PARKED = "changed_since", "parked"
"""What :data:`APPLIED` tells of people: changed by somebody else after the plan was made; not approved."""
ENDED = frozenset({"returned", "present", "gone"})
"""Steps that end an absence: brought back after a step; in the feed again before one, or by a row that does not go
through; no longer this profile's."""


@dataclass(frozen=True, slots=True)
class Leaver:
    """A person of ``leavers.parquet``.

    ``step`` is one of :data:`WORDS` or :data:`ENDED`; ``rule`` says why. For a step ``version`` is the user as it was
    seen, ``changes`` and ``document`` are JSON: the changed fields, and the whole user to be written, both None when
    the user already is so. ``facets`` is what the step leaves of facets, as
    :func:`matchpoint.store.affiliations.as_text` writes it; None for who is in one profile only. ``feeds``,
    ``before``, ``next_on`` and ``taken`` (the last step taken, maybe one that had nothing to change) are what will
    be noted of the absence. ``done`` marks what this run did earlier.
    """

    user_id: int
    step: str
    rule: str = ""
    user_group: str | None = None
    version: int | None = None
    changes: str | None = None
    document: str | None = None
    feeds: int = 0
    taken: str | None = None
    before: str | None = None
    next_on: str = ""
    done: bool = False
    facets: str | None = None


@dataclass(frozen=True)
class LeaverCounts:
    """Counts of leavers, without a person's data.

    ``counts`` are people by the words of :data:`WORDS`, ``by_group`` the same by user group; ``settled`` people of
    whom nothing was due, since earlier runs took the steps; ``unidentified`` rows of the feed without identifier:
    nobody can tell whom they are about, so some of the absent may be present; ``conflict`` people who were changed
    by somebody else after the plan was made, and are left for the next run. ``not_counted`` is a key of
    :data:`matchpoint.leavers.feeds.NOT_FULL` when the run counted nobody as absent.
    """

    counts: dict[str, int]
    by_group: dict[str, dict[str, int]] = field(default_factory=dict)
    settled: int = 0
    unidentified: int = 0
    conflict: int = 0
    not_counted: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the counts as plain values."""
        return asdict(self)


class LeaverCounter:
    """Counts people as they go by."""

    def __init__(self) -> None:
        self._by_group: dict[str, Counter[str]] = defaultdict(Counter)

    def seen(self, people: Iterable[Leaver]) -> Iterator[Leaver]:
        """Count people, and give them on."""
        for one in people:
            self.add(one)
            yield one

    def add(self, one: Leaver, number: int = 1) -> None:
        """Count one person."""
        if one.step in WORDS:
            self._by_group[one.user_group or ""][WORDS[one.step]] += number

    def counts(self, **more: Any) -> LeaverCounts:
        """Give the counts."""
        groups = {group: _full(some) for group, some in sorted(self._by_group.items())}
        whole: Counter[str] = Counter()
        for some in self._by_group.values():
            whole.update(some)
        return LeaverCounts(_full(whole), groups, **more)


def _full(some: Mapping[str, int]) -> dict[str, int]:
    return {word: some.get(word, 0) for word in WORDS.values()}


def write_leavers(folder: RunFolder, people: Iterable[Leaver]) -> None:
    """Write ``leavers.parquet``."""
    write_records(folder.path(FILE), Leaver, people, size=BATCH_ROWS)


def read_leavers(folder: RunFolder) -> Iterator[list[Leaver]]:
    """Read ``leavers.parquet`` batch by batch; nothing where the profile does nothing about leavers."""
    path = folder.root.joinpath(FILE)
    if path.exists():
        yield from read_records(path, Leaver, size=BATCH_ROWS)


def counts_of(folder: RunFolder, summary: Mapping[str, Any]) -> LeaverCounts | None:
    """Give the counts of a run as it came out; None where its profile does nothing about leavers.

    ``summary`` is that of the plan (:func:`matchpoint.plan.read_summary`): it has the counts as they were planned.
    """
    if not summary.get("leavers"):
        return None
    planned = LeaverCounts(**summary["leavers"])
    deviations = {user_id: code for user_id, _, code in folder.read_lines(APPLIED)}
    if not deviations:
        return planned
    counter = LeaverCounter()
    for some in read_leavers(folder):
        for one in some:
            if deviations.get(one.user_id) != CONFLICT:
                is_parked = one.user_id in deviations and one.step in STEPS
                counter.add(replace(one, step="parked") if is_parked else one)
    conflicts = sum(code == CONFLICT for code in deviations.values())
    more = {name: getattr(planned, name) for name in ("settled", "unidentified", "not_counted")}
    return counter.counts(conflict=conflicts, **more)


def write_clearance(folder: RunFolder, held: Iterable[Mapping[str, Any]]) -> None:
    """Write ``clearance.csv``: what a spreadsheet would take for a formula is made harmless."""
    names = ("primary_id", "user_group", "first_absent", "why")
    with folder.path(CLEARANCE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([guard(str(one[name] or "")) for name in names] for one in held)
