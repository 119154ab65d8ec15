"""Driving feeds of one profile day after day, in a test about leavers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from helpers import AS_OF, House, Row, csv_text, make_profile, person

from matchpoint.apply_plan import apply_plan
from matchpoint.leavers.feeds import note_fetched
from matchpoint.make_plan import make_plan
from matchpoint.profile import Profile
from matchpoint.receipt import Receipt
from matchpoint.run_folder import RunFolder
from matchpoint.store.changes import Stamp
from matchpoint.store.row_ledger import known_to
from matchpoint.transform import transform_extract

WORDS = ("absent", "expired", "deactivated", "purge_dated", "handed_over", "held", "protected", "parked", "returned")


def leaving(written: str | None = None, **leavers: Any) -> Profile:
    """Make the usual profile with a policy for leavers: at the second feed, unless said otherwise."""
    said = {"policy": "deactivate", "after_feeds": 2, "grace_days": 10, "purge_after_days": 100, **leavers}
    action = {"path": "in", "match_points": ["primary_id", "BARCODE"], "leavers": said}
    changes = {"actions": {"synchronize": action}}
    return make_profile(written, **changes) if written else make_profile(**changes)


def people(*numbers: int, **changes: str) -> list[Row]:
    return [person(n, **changes) for n in numbers]


def told(**given: int) -> dict[str, int]:
    """Give counts of leavers, zero where nothing is said."""
    return {word: given.get(word, 0) for word in WORDS}


@dataclass
class Feeds:
    """Runs of a house, one a day; each is named by its day."""

    house: House
    day: int = 0
    runs: list[str] = field(default_factory=list)

    @property
    def as_of(self) -> date:
        return AS_OF + timedelta(days=self.day)

    def transform(self, rows: list[Row] | Mapping[str, str], *, run_id: str) -> RunFolder:
        """Fetch and transform."""
        files = rows if isinstance(rows, Mapping) else {"people.csv": csv_text(rows)}
        folder, house = self.house.fetch(run_id, files), self.house
        known = known_to(house.engine, house.profile.code, "synchronize", run_id)
        for extract in folder.extracts:
            transform_extract(folder, extract, house.profile, self.as_of, house.tables, known=known)
        return folder

    def make_plan(self, run_id: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Plan; give what the plan says of leavers."""
        folder, house = self.house.folder(run_id), self.house
        how: Any = {"mode": "synchronize", "run_id": run_id, "as_of": self.as_of.isoformat(), "dry_run": dry_run}
        make_plan(folder, house.engine, house.profile, now=house.now(), **how)
        return dict(folder.read_json("plan.json")["leavers"] or {})

    def plan(self, rows: list[Row] | Mapping[str, str], *, run_id: str, dry_run: bool = False) -> dict[str, Any]:
        """Fetch, transform and plan."""
        self.transform(rows, run_id=run_id)
        return self.make_plan(run_id, dry_run=dry_run)

    def stamp(self, run_id: str) -> Stamp:
        return Stamp("synchronize people", run_id, self.house.now(), {}, "people")

    def apply(self, run_id: str) -> Receipt:
        apply_plan(self.house.folder(run_id), self.house.engine, now=self.house.now())
        return self.house.receipt(run_id)

    def feed(self, rows: list[Row] | Mapping[str, str], *, days: int = 1, **fetched: Any) -> dict[str, Any]:
        """Run a feed some days after the last one; give what its receipt says of leavers."""
        self.day += days
        run_id = f"day{self.day}"
        if fetched:
            note_fetched(self.house.folder(run_id), **{"only_file": None, "waiting": [], **fetched})
        self.runs.append(run_id)
        self.plan(rows, run_id=run_id)
        return dict(self.apply(run_id).leavers or {})

    def user(self, number: int) -> dict[str, Any]:
        return dict(self.house.users()[f"s{number}"]["document"])

    def dates(self, number: int) -> tuple[Any, str, Any]:
        """Give expiry date, status and purge date of a user."""
        user = self.user(number)
        return user.get("expiry_date"), user["status"]["value"], user.get("purge_date")

    def days_on(self, days: int) -> str:
        return (self.as_of + timedelta(days=days)).isoformat()

    def absences(self) -> dict[str, tuple[int, str | None]]:
        """Give, by primary id, feeds counted and the last step."""
        names = {row["id"]: name for name, row in self.house.users().items()}
        return {names[row["user_id"]]: (row["feeds"], row["step"]) for row in self.house.rows("absences")}
