"""A process that applies a plan is killed in the middle; applying the plan again ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

from helpers import House, csv_text, person, total
from killing import kill_in_the_middle
from sqlalchemy import func, select

from matchpoint.store.tables import history

INCLUDE = Path(__file__).resolve().parents[2] / "include"
PEOPLE = 4_000
CHILD = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from matchpoint import apply_plan
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store
apply_plan.BATCH_ROWS = 20
apply_plan.apply_plan(RunFolder(Path(sys.argv[1])), open_store(sys.argv[2]), now=datetime.now(timezone.utc))
"""


def applied(house: House) -> int:
    """Count, from outside, the changes that are committed."""
    with house.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(history)) or 0


def test_a_killed_apply_is_finished_by_applying_again(house: House) -> None:
    house.plan("run", {"people.csv": csv_text(person(n) for n in range(PEOPLE))}, "import")
    done = kill_in_the_middle(house, "run", CHILD, applied, 100)
    assert 0 < done < PEOPLE
    half = house.rows("users")
    assert house.apply("run") == []
    assert house.receipt("run").total == total(created=PEOPLE)
    users, held = house.users(), house.identifiers()
    assert users.keys() == {f"s{n}" for n in range(PEOPLE)}
    assert len(house.rows("users")) == len(house.rows("history")) == PEOPLE
    assert len(held) == 3 * PEOPLE
    for n in range(PEOPLE):
        user_id = users[f"s{n}"]["id"]
        assert {held[f"{name}{n}"][2] for name in ("s", "card", "net")} == {user_id}
    assert {user["version"] for user in users.values()} == {1}
    assert [user for user in house.rows("users") if user["id"] in {one["id"] for one in half}] == half


def test_a_killed_run_may_also_be_planned_again_from_the_beginning(house: House) -> None:
    files = {"people.csv": csv_text(person(n) for n in range(PEOPLE))}
    house.plan("run", files, "import")
    assert 0 < kill_in_the_middle(house, "run", CHILD, applied, 100) < PEOPLE
    assert house.run("run", files, "import").total == total(created=PEOPLE)
    assert len(house.rows("users")) == len(house.rows("history")) == PEOPLE
    assert len(house.identifiers()) == 3 * PEOPLE
