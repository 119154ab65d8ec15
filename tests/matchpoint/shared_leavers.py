"""Nights of several profiles that share people and have a policy for leavers, in a test about hand-overs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from affiliated import affiliated, document, feed
from helpers import AS_OF, House, Row

from matchpoint.profile import Profile
from matchpoint.receipt import Receipt

ENOUGH, GRACE, PURGE = 2, 5, 50


def leaving(code: str, **leavers: Any) -> Profile:
    """Make a profile that shares, with a policy: at the second feed, unless said otherwise."""
    said = {"policy": "deactivate", "after_feeds": ENOUGH, "grace_days": GRACE, "purge_after_days": PURGE}
    return affiliated(code, leavers={**said, **leavers})


STAFF, STUDENTS, VISITORS = map(leaving, ("staff", "students", "visitors"))


@dataclass
class Nights:
    """Runs of the profiles of a house, on days that the test moves on; ``last`` is the newest run."""

    house: House
    day: int = 0
    number: int = 0
    rows: dict[str, tuple[Row, ...]] = field(default_factory=dict)

    @property
    def as_of(self) -> date:
        return AS_OF + timedelta(days=self.day)

    @property
    def last(self) -> str:
        return f"run{self.number}"

    def of(self, profile: Profile) -> House:
        """Give the house as a profile has it, tonight."""
        self.house.minutes += 10
        return self.house.with_profile(profile).on(self.as_of.isoformat())

    def plan(self, profile: Profile, *rows: Row) -> House:
        """Plan a run."""
        self.number += 1
        self.rows[self.last] = rows
        house = self.of(profile)
        house.plan(self.last, feed(*rows))
        return house

    def receipt(self, profile: Profile, *rows: Row) -> Receipt:
        """Go the whole way."""
        house = self.plan(profile, *rows)
        house.apply(self.last)
        return house.receipt(self.last)

    def run(self, profile: Profile, *rows: Row) -> dict[str, int]:
        """Go the whole way, and give the counts of leavers that are not zero."""
        return counted(self.receipt(profile, *rows))

    def dates(self, primary_id: str = "s1") -> tuple[Any, str, Any]:
        """Give expiry date, status and purge date of a user."""
        user = document(self.house, primary_id)
        return user.get("expiry_date"), user["status"]["value"], user.get("purge_date")

    def days_on(self, days: int) -> str:
        return (self.as_of + timedelta(days=days)).isoformat()

    def absences(self) -> dict[tuple[str, str], tuple[int, str | None]]:
        """Give, by primary id and profile, feeds counted and the last step."""
        names = {row["id"]: name for name, row in self.house.users().items()}
        found = self.house.rows("absences")
        return {(names[row["user_id"]], row["profile"]): (row["feeds"], row["step"]) for row in found}


def counted(receipt: Receipt) -> dict[str, int]:
    """Give the counts of leavers that are not zero."""
    leavers = receipt.leavers or {}
    more = {name: leavers[name] for name in ("settled", "conflict")}
    return {word: number for word, number in {**leavers["counts"], **more}.items() if number}


def group_and_owner(house: House, primary_id: str = "s1") -> tuple[Any, Any]:
    """Give user group and owner."""
    user = document(house, primary_id)
    return user["user_group"]["value"], user["external_id"]
