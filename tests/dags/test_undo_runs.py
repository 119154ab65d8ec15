"""A run is undone by the DAG that staff start by hand, whole, in Airflow."""

from __future__ import annotations

import csv
import io

import extracts
from harness import Matchpoint


def test_a_run_is_undone_first_tried_then_stopped_by_its_limit_then_done_and_cleared(on_sqlite: Matchpoint) -> None:
    on_sqlite.remote.joinpath("students_2026-08-24.csv").write_text(extracts.day_1(), encoding="utf-8")
    assert on_sqlite.run("sis_import__students").state == "success"
    before = on_sqlite.store()
    on_sqlite.remote.joinpath("students_2026-08-25.csv").write_text(extracts.day_2(), encoding="utf-8")
    loaded = on_sqlite.run("sis_synchronize__students")
    total = on_sqlite.receipt(loaded)["total"]
    touched = total["updated"] + total["created"]
    assert total["updated"] and total["created"]
    after = on_sqlite.store()
    how = {"run": f"sis_synchronize__students/{loaded.run_id}", "limit_users": 1_000, "limit_percent": 100}

    tried = on_sqlite.run("runs_undo", **how, dry_run=True)
    assert (tried.state, tried.tasks["apply_undo"]) == ("success", "skipped")
    assert on_sqlite.store() == after
    page = on_sqlite.run_folder(tried).root.joinpath("report.html").read_text()
    assert f"{total['updated']} changed back, {total['created']} deleted, since the run made them." in page
    assert "The next synchronize of students with the same extract does it again" in page
    lines = on_sqlite.run_folder(tried).root.joinpath("rejections", "taken_back.csv").read_text()
    told = list(csv.DictReader(io.StringIO(lines)))
    assert {"primary_id": "s00001", "what": "change", "field": "last_name", "now": "Married", "then": "Family1"} in [
        {**row, "primary_id": row["primary_id"].lower()} for row in told
    ]
    assert "Married" not in page

    stopped = on_sqlite.run("runs_undo", **{**how, "limit_users": touched - 1})
    assert stopped.tasks == {"plan_undo": "success", "apply_undo": "failed"}
    assert on_sqlite.store() == after

    number = on_sqlite.runs + 1
    for _ in range(2):  # the second time it is cleared
        done = on_sqlite.run("runs_undo", number=number, **how)
        assert done.state == "success"
        found = on_sqlite.store()
        assert {who: user for who, (_, user) in found["users"].items()} == {
            who: user for who, (_, user) in before["users"].items()
        }
        assert found["identifiers"] == before["identifiers"]
        assert len(found["history"]) == len(after["history"]) + touched


def test_what_is_not_there_is_not_undone(on_sqlite: Matchpoint) -> None:
    for how in ({"run": "sis_import__students/none"}, {}, {"identifier": "S00001"}):
        assert on_sqlite.run("runs_undo", **how).tasks["plan_undo"] == "failed"
