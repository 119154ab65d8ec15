"""The feed health gate in the real DAGs: what stops, what is held, what only warns, and how a feed is repaired."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException
from extracts import extract, student
from harness import START, Matchpoint, Result
from sqlalchemy import select

from matchpoint.store import open_store
from matchpoint.store.feed_tables import feeds

SYNCHRONIZE = "sis_synchronize__students"


def students(number: int, first: int = 1, **changes: str) -> str:
    return extract([student(n, **changes) for n in range(first, first + number)])


def send(house: Matchpoint, name: str, text: str) -> None:
    (house.remote / name).write_text(text)


def signs(house: Matchpoint, result: Result) -> list[tuple[str, str]]:
    told = house.run_folder(result).read_json("health.json")["verdicts"]
    return [(one["code"], one["action"]) for one in told]


def noted(house: Matchpoint) -> list[tuple[str, int]]:
    with open_store(house.store_url).connect() as connection:
        return [
            (run.partition("/")[0], rows) for run, rows in connection.execute(select(feeds.c.run_id, feeds.c.rows))
        ]


def refusal(result: Result) -> str:
    """Give the words with which the task fails."""
    from matchpoint_airflow.operators import SisCheckFeedOperator

    task = SisCheckFeedOperator(task_id="check_feed", profile="students", mode="synchronize")
    run = SimpleNamespace(dag_id=result.dag_id, run_id=result.run_id, run_after=START)
    with pytest.raises(AirflowFailException) as told:
        task.execute({"dag_run": run, "params": {}})
    return str(told.value)


def test_a_feed_that_was_cut_off_stops_and_goes_on_when_it_is_repaired(on_sqlite: Matchpoint) -> None:
    send(on_sqlite, "students_1.csv", students(40))
    first = on_sqlite.run(SYNCHRONIZE)
    assert (first.state, signs(on_sqlite, first)) == ("success", [])
    before = on_sqlite.store()

    send(on_sqlite, "students_2.csv", students(40, 2)[:-60])
    stopped = on_sqlite.run(SYNCHRONIZE, 2)
    assert stopped.state == "failed"
    assert (stopped.tasks["fetch_extracts"], stopped.tasks["check_feed"]) == ("success", "failed")
    later = ("transform_users", "match_users", "apply_plan", "write_report", "mark_handled")
    assert {stopped.tasks[task] for task in later} == {"upstream_failed"}
    words = refusal(stopped)
    assert words.startswith("students_2.csv: found a last row of")
    assert "expected a whole file. Have it sent again, whole.\nNothing of this run was written." in words
    assert on_sqlite.store() == before
    assert not on_sqlite.run_folder(stopped).root.joinpath("users").exists()
    assert (on_sqlite.remote / "students_2.csv").exists()

    send(on_sqlite, "students_2.csv", students(40, 2))
    repaired = on_sqlite.run(SYNCHRONIZE, 2)
    assert (repaired.state, repaired.run_id) == ("success", stopped.run_id)
    assert on_sqlite.receipt(repaired)["health"]["verdicts"] == []
    assert on_sqlite.receipt(repaired)["total"]["created"] == 1
    assert noted(on_sqlite) == [(SYNCHRONIZE, 40), (SYNCHRONIZE, 40)]

    again = on_sqlite.run(SYNCHRONIZE, 2)
    assert again.tasks == repaired.tasks
    assert on_sqlite.receipt(again)["health"] == on_sqlite.receipt(repaired)["health"]


def test_what_is_held_and_what_warns_goes_on_and_stands_in_the_report(on_sqlite: Matchpoint) -> None:
    for number in (1, 2):
        send(on_sqlite, f"students_{number}.csv", students(40, number))
        assert on_sqlite.run(SYNCHRONIZE).state == "success"
    send(on_sqlite, "students_3.csv", students(20, 2, MOBILE=""))
    held = on_sqlite.run(SYNCHRONIZE)
    assert signs(on_sqlite, held) == [("row_count", "hold"), ("null_rate", "hold")]
    assert on_sqlite.receipt(held)["health"]["verdicts"][1]["column"] == "MOBILE"
    report = (on_sqlite.run_folder(held).root / "report.html").read_text()
    assert report.count('<svg class="spark') == 2
    for personal in ("Family2", "Given2", "example.edu", "C00002"):
        assert personal not in report

    # What was held and waits is no good feed; the one before it still is.
    send(on_sqlite, "students_4.csv", students(40, 2))
    same = on_sqlite.run(SYNCHRONIZE)
    assert signs(on_sqlite, same) == [("same_as_before", "warn")]


def test_a_profile_may_stop_what_it_would_hold(on_sqlite: Matchpoint) -> None:
    on_sqlite.use_profile("students", ("actions:\n", "health:\n  row_count: stop\n  row_band: 0.1\nactions:\n"))
    send(on_sqlite, "students_1.csv", students(40))
    assert on_sqlite.run(SYNCHRONIZE).state == "success"
    before = on_sqlite.store()
    send(on_sqlite, "students_2.csv", students(35))
    stopped = on_sqlite.run(SYNCHRONIZE)
    assert (stopped.state, stopped.tasks["check_feed"]) == ("failed", "failed")
    assert signs(on_sqlite, stopped) == [("row_count", "stop")]
    assert on_sqlite.store() == before


def test_a_dry_run_is_judged_and_leaves_no_trace(on_sqlite: Matchpoint) -> None:
    send(on_sqlite, "students_1.csv", students(40))
    on_sqlite.run(SYNCHRONIZE)
    send(on_sqlite, "students_2.csv", students(20))
    dry = on_sqlite.run(SYNCHRONIZE, dry_run=True)
    assert dry.tasks["apply_plan"] == "skipped"
    assert on_sqlite.receipt(dry)["health"]["verdicts"][0]["code"] == "row_count"
    assert noted(on_sqlite) == [(SYNCHRONIZE, 40)]
