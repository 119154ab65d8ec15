"""People come and go over many feeds, against a simple model; and a kill in the middle loses and doubles nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers import AS_OF, House, csv_text, open_house, person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from killing import kill_in_the_middle
from leaver_feeds import Feeds, leaving, people, told
from sqlalchemy import func, select

from matchpoint.leavers.obligations import Obligation, note_obligations
from matchpoint.store.leavers_tables import absences

PEOPLE, ENOUGH, GRACE, PURGE = (1, 2, 3), 2, 5, 50


@pytest.fixture(scope="module")
def sqlite_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("model")
    with open_house(f"sqlite:///{folder / 'store.sqlite'}", folder) as opened:
        yield opened


@dataclass
class Person:
    """One person of the model."""

    absent: int = 0
    expiry: date | None = None
    inactive: bool = False
    purge: date | None = None

    @property
    def dates(self) -> tuple[Any, str, Any]:
        texts = [one.isoformat() if one else None for one in (self.expiry, self.purge)]
        return texts[0], "INACTIVE" if self.inactive else "ACTIVE", texts[1]

    def feed(self, day: date, *, there: str, owes: bool, protected: bool) -> str | None:
        """Meet a feed; give the word by which the person is counted."""
        if there == "present":
            was_stepped = self.expiry is not None
            self.__init__()  # type: ignore[misc]
            return "returned" if was_stepped else None
        if there == "rejected":
            self.absent = 0
            return None
        self.absent += 1
        if self.absent < ENOUGH:
            return "absent"
        return self._step(day, owes=owes, protected=protected)

    def _step(self, day: date, *, owes: bool, protected: bool) -> str | None:
        waits = self.expiry is not None and not self.inactive and day <= self.expiry
        if self.purge or waits:
            return None
        if protected:
            return "protected"
        if owes:
            return "held"
        if self.expiry is None:
            self.expiry = day + timedelta(days=GRACE)
            return "expired"
        if not self.inactive:
            self.inactive = True
            return "deactivated"
        self.purge = day + timedelta(days=PURGE)
        return "purge_dated"


day = st.fixed_dictionaries(
    {
        "days": st.sampled_from([1, 1, 3, 7]),
        "there": st.tuples(*[st.sampled_from(["present", "absent", "absent", "rejected"])] * len(PEOPLE)),
        "owes": st.sampled_from([None, None, 1, 2]),
        "again": st.booleans(),
    }
)


@given(st.lists(day, min_size=3, max_size=9))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_people_come_and_go_as_in_the_model(sqlite_house: House, days: list[dict[str, Any]]) -> None:
    house = sqlite_house
    for table in ("identifiers", "users", "history", "counters", "runs", "plan_rows", "file_ledger"):
        house.sql(f"DELETE FROM {table}")
    shutil.rmtree(house.root / "runs", ignore_errors=True)  # else a run would find the plan of another example
    said = {"grace_days": GRACE, "purge_after_days": PURGE, "protect": {"primary_ids": ["s3"]}}
    house.profile = leaving(after_feeds=ENOUGH, **said)
    feeds, model = Feeds(house), {number: Person() for number in PEOPLE}
    feeds.feed([person(9), *people(*PEOPLE)])
    for one in days:
        owed = [Obligation(f"s{one['owes']}", loans=1)] if one["owes"] else []
        note_obligations(house.engine, owed, source="api", as_of=AS_OF, whole=True)
        rows = [person(9)]
        for number, there in zip(PEOPLE, one["there"], strict=True):
            rows += {"present": people(number), "rejected": people(number, BORN="never"), "absent": []}[there]
        leavers = feeds.feed(rows, days=one["days"])
        counts: dict[str, int] = {}
        for number, there in zip(PEOPLE, one["there"], strict=True):
            how: Any = {"there": there, "owes": one["owes"] == number, "protected": number == 3}
            word = model[number].feed(feeds.as_of, **how)
            counts |= {word: counts.get(word, 0) + 1} if word else {}
        assert leavers["counts"] == told(**counts)
        if one["again"]:
            feeds.plan(rows, run_id=feeds.runs[-1])
            assert feeds.apply(feeds.runs[-1]).leavers == leavers
        assert {number: feeds.dates(number) for number in PEOPLE} == {n: one.dates for n, one in model.items()}
    assert house.users().keys() == {"s9", *(f"s{number}" for number in PEOPLE)}


# --- killed in the middle -------------------------------------------------------------------------

MANY = 600
CHILD = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from matchpoint.apply_plan import apply_plan
from matchpoint.leavers import files
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store
files.BATCH_ROWS = 5
apply_plan(RunFolder(Path(sys.argv[1])), open_store(sys.argv[2]), now=datetime.now(timezone.utc))
"""


def stepped(house: House) -> int:
    """Count, from outside, the steps that are committed."""
    with house.engine.connect() as connection:
        steps = select(func.count()).select_from(absences).where(absences.c.step.is_not(None))
        return connection.scalar(steps) or 0


@pytest.mark.parametrize("plans_again", [False, True])
def test_a_kill_while_leavers_are_stepped_loses_and_doubles_nothing(
    store_url: str, tmp_path: Path, plans_again: bool
) -> None:
    with open_house(store_url, tmp_path, leaving(after_feeds=1)) as house:
        feeds = Feeds(house)
        feeds.feed(people(*range(MANY)))
        feeds.day += 1
        files = {"people.csv": csv_text(people(0))}
        feeds.plan(files, run_id="run")
        assert 0 < kill_in_the_middle(house, "run", CHILD, stepped, 20) < MANY - 1
        if plans_again:
            feeds.plan(files, run_id="run")
        leavers = feeds.apply("run").leavers or {}
        assert (leavers["counts"], leavers["conflict"]) == (told(expired=MANY - 1), 0)
        assert len(house.rows("history")) == MANY + MANY - 1
        assert {row["version"] for name, row in house.users().items() if name != "s0"} == {2}
        assert set(feeds.absences().values()) == {(1, "expire")}
        assert len(feeds.absences()) == MANY - 1
