"""An undo that is killed in the middle, and one of many people."""

from __future__ import annotations

from pathlib import Path

from helpers import House, csv_text, person
from killing import kill_in_the_middle
from sqlalchemy import func, select
from test_undo import BIG, JO, state

from matchpoint.store.tables import history
from matchpoint.undo.apply import apply_undo
from matchpoint.undo.plan import Undoing, plan_undo_run

INCLUDE = Path(__file__).resolve().parents[2] / "include"
PEOPLE = 2_000
CHILD = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from matchpoint.accounts.store import Act
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store
from matchpoint.undo import apply
apply.BATCH_ROWS = 10
act = Act("undoer", datetime.now(timezone.utc))
apply.apply_undo(RunFolder(Path(sys.argv[1])), open_store(sys.argv[2]), act, limit=apply.Limit(10**9, 1.0))
"""


def written(house: House) -> int:
    with house.engine.connect() as connection:
        query = select(func.count()).select_from(history).where(history.c.rule == "undo")
        return connection.scalar(query) or 0


def test_a_killed_undo_is_finished_by_applying_again(house: House) -> None:
    """A thousand users are changed, a thousand made: both are taken back once and no more."""
    half = PEOPLE // 2
    house.run("first", {"people.csv": csv_text(person(n) for n in range(half))})
    before = state(house)
    house.run("second", {"people.csv": csv_text(person(n, LAST="Changed") for n in range(PEOPLE))})
    plan_undo_run(house.folder("undo"), house.engine, "second", Undoing("undo", house.now()))
    kill_in_the_middle(house, "undo", CHILD, written, 50)
    assert 0 < written(house) < PEOPLE
    assert apply_undo(house.folder("undo"), house.engine, JO, limit=BIG) == {}
    assert state(house) == before
    assert written(house) == PEOPLE
    changed = [row for row in house.rows("history") if row["rule"] == "undo"]
    assert {row["version"] for row in changed if row["user_id"] <= half} == {3}
    summary = plan_undo_run(house.folder("undo"), house.engine, "second", Undoing("undo", house.now()))
    assert (summary["counts"]["changed"], summary["counts"]["deleted"]) == (half, half)
    assert apply_undo(house.folder("undo"), house.engine, JO, limit=BIG) == {}
    assert written(house) == PEOPLE
