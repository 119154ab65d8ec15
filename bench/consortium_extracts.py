"""The extracts of a consortium's institutions: the seam at which another generator may take over.

A day tells what it writes, what must come of it, and what the store must hold afterwards; nothing is random.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.extracts import COLUMNS

from matchpoint.run_folder import AnyPath

FILE = "students_1.csv"
PROFILE = Path(__file__).resolve().parents[1] / "include" / "profiles" / "students.yaml"
WORDS = ("created", "updated", "unchanged", "skipped", "rejected", "conflict", "failed")


@dataclass(frozen=True)
class Day:
    """Day 1: everybody. Day 2: of a thousand people ten changed, five are new and five are gone."""

    number: int
    institution: int
    size: int

    @property
    def total(self) -> dict[str, int]:
        """What must become of the rows of the day."""
        if self.number == 1:
            return self._counts(created=self.size)
        changed = sum(self._changed(one) for one in self._people())
        new = self._new
        return self._counts(created=new, updated=changed, unchanged=len(list(self._people())) - new - changed)

    def end_state(self) -> dict[str, tuple[int, str, str]]:
        """What the store must hold after the day: version, last name and profile by primary id."""
        here = set(self._people())
        everybody = sorted(here | set(range(self.size)))
        return {
            self._id(one).lower(): (
                1 + (one in here and self._changed(one)),
                self._last_name(one, one in here),
                "students",
            )
            for one in everybody
        }

    def rows(self) -> Iterator[list[str]]:
        """Give the rows of the day's extract."""
        for one in self._people():
            phone, zip_code = f"212 555 {one % 10_000:04}", f"{10_000 + one % 80_000}"
            born = f"{1970 + one % 38}-{one % 12 + 1:02}-{one % 28 + 1:02}"
            yield [
                self._id(one), f"Given{one}", "", self._last_name(one, True), "", "FMX"[one % 3],
                ("UG", "GR")[one % 2], ("MAIN", "DT")[one % 2], born, "2027-06-30",
                f"C{self.institution:02}{one:08}", f"net{one}", f"net{one}@example.edu", f"p{one}@example.com", phone,
                f"{one} College Road", "Springfield", "IL", zip_code, f"{one} Home Street", "", "Shelbyville",
                zip_code, "US", f"prog{one % 90}",
            ]  # fmt: skip

    @property
    def _new(self) -> int:
        return 0 if self.number == 1 else -(-self.size * 5 // 1000)

    def _people(self) -> Iterator[int]:
        for one in range(self.size + self._new):
            if self.number == 1 or one % 200 != 7 or one >= self.size:
                yield one

    def _changed(self, one: int) -> bool:
        return self.number == 2 and one < self.size and one % 100 == 3

    def _id(self, one: int) -> str:
        return f"S{self.institution:02}{one:08}"

    def _last_name(self, one: int, is_here: bool) -> str:
        return f"Married{one}" if is_here and self._changed(one) else f"Family{one}"

    def _counts(self, **given: int) -> dict[str, int]:
        return {"processed": sum(given.values()), **{word: given.get(word, 0) for word in WORDS}}


def write_extract(path: AnyPath, day: Day) -> None:
    """Write the extract of a day."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(day.rows())
