"""What goes beyond the limits waits in Airflow for a person, while the rest flows: by the real DAGs."""

from __future__ import annotations

from urllib.parse import quote

import extracts
import pytest
from answers import answering, approve, nobody_answering
from fastapi.testclient import TestClient
from harness import Matchpoint, Result


def deliver(matchpoint: Matchpoint, name: str, text: str) -> None:
    matchpoint.remote.joinpath(name).write_text(text, encoding="utf-8")


@pytest.fixture
def waiting(on_sqlite: Matchpoint) -> Result:
    """A first load that waits."""
    on_sqlite.use_profile("students", ("first_load: go", "first_load: ask"))
    deliver(on_sqlite, "students_1.csv", extracts.day_1())
    return on_sqlite.run("sis_import__students")


def test_a_first_load_waits_and_is_applied_by_whom_the_history_names(
    on_sqlite: Matchpoint, waiting: Result, api: TestClient
) -> None:
    assert waiting.state == "success"
    assert on_sqlite.store()["users"] == {}
    assert started(waiting) == 1
    with answering(api, "Approve all") as asked:
        done = approve(on_sqlite, waiting)
    assert done.state == "success"
    assert "people wait for your answer" in asked[0]["subject"]
    assert asked[0]["options"] == ["Approve all", "Reject"]
    assert "first load" in asked[0]["body"]
    assert len(on_sqlite.store()["users"]) == on_sqlite.receipt(waiting)["total"]["created"] > 0
    judged = on_sqlite.receipt(waiting)["judged"]
    assert (judged["answer"], judged["answered_by"]) == ("Approve all", "ann")


def started(run: Result) -> int:
    """Count the runs of the approval DAG that a run started."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        ids = session.scalars(select(DagRun.run_id).where(DagRun.dag_id == "plan_approve")).all()
    return sum(one.startswith(f"{run.dag_id}__{run.run_id}__") for one in ids)


def test_a_refused_plan_changes_nothing_and_an_answer_holds(
    on_sqlite: Matchpoint, waiting: Result, api: TestClient
) -> None:
    with answering(api, "Reject"):
        assert approve(on_sqlite, waiting).state == "success"
    assert on_sqlite.store()["users"] == {}
    assert approve(on_sqlite, waiting).state == "success"  # asked again it does not ask
    assert on_sqlite.receipt(waiting)["judged"]["answer"] == "Reject"
    assert on_sqlite.store()["users"] == {}


def test_without_an_answer_in_time_it_is_no(on_sqlite: Matchpoint, waiting: Result) -> None:
    with nobody_answering():
        assert approve(on_sqlite, waiting).state == "success"
    judged = on_sqlite.receipt(waiting)["judged"]
    assert (judged["answer"], judged["answered_by"]) == ("Reject", "nobody in time")
    assert on_sqlite.store()["users"] == {}


def test_the_pages_of_an_answer_are_those_of_the_run_that_asked(
    on_sqlite: Matchpoint, waiting: Result, api: TestClient
) -> None:
    with answering(api, "Reject"):
        done = approve(on_sqlite, waiting)
    address = f"/matchpoint/runs/{done.dag_id}/{quote(done.run_id, safe='')}/plan.html"
    page = api.get(address)
    assert page.status_code == 200
    assert "this is the first load of the profile" in page.text
    assert waiting.dag_id in str(page.url)
    table = api.get(str(page.url).replace("plan.html", "plan.csv"))
    assert table.text.startswith("file,row,outcome,user,fields,reason,field\r\n")
    assert api.get(address, headers={"Authorization": ""}).status_code == 401


def test_a_question_that_a_later_run_superseded_is_not_asked(on_sqlite: Matchpoint, api: TestClient) -> None:
    on_sqlite.use_profile("students", ("first_load: go", "first_load: ask"))
    runs = []
    for number in (1, 2):
        deliver(on_sqlite, f"students_{number}.csv", extracts.day_1())
        runs.append(on_sqlite.run("sis_synchronize__students"))
    with answering(api, "Approve all") as asked:
        assert approve(on_sqlite, runs[0]).state == "success"
        assert (asked, on_sqlite.store()["users"]) == ([], {})
        assert on_sqlite.receipt(runs[0])["judged"]["answer"] == "superseded"
        assert approve(on_sqlite, runs[1]).state == "success"
    assert len(asked) == 1
    assert on_sqlite.store()["users"]


def test_a_stopped_profile_is_skipped_until_it_is_released(on_sqlite: Matchpoint) -> None:
    header, *rows = extracts.day_1().splitlines(keepends=True)
    columns = header.rstrip().split(",")
    assert len(rows) >= 10
    deliver(
        on_sqlite, "students_1.csv", header + "".join("," * (len(columns) - 1) + "\n" for _ in range(40)) + rows[0]
    )
    failed = on_sqlite.run("sis_synchronize__students")
    assert (failed.state, failed.tasks["guard_plan"], failed.tasks["match_users"]) == ("failed", "failed", "success")
    assert on_sqlite.store()["users"] == {}
    counts = on_sqlite.receipt(failed)["total"]
    assert (counts["rejected"], counts["created"], counts["skipped"]) == (40, 0, 1)
    assert list((on_sqlite.run_folder(failed).root / "rejections").iterdir())
    deliver(on_sqlite, "students_2.csv", extracts.day_1())
    skipped = on_sqlite.run("sis_synchronize__students")
    assert skipped.tasks["check_connection"] == "skipped"
    released = on_sqlite.run("profile_release", profile="students")
    assert released.state == "success"
    on_sqlite.remote.joinpath("students_1.csv").unlink()
    assert on_sqlite.run("sis_synchronize__students").tasks["apply_plan"] == "success"


def test_a_dry_run_asks_nobody(on_sqlite: Matchpoint) -> None:
    on_sqlite.use_profile("students", ("first_load: go", "first_load: ask"))
    deliver(on_sqlite, "students_1.csv", extracts.day_1())
    run = on_sqlite.run("sis_import__students", dry_run=True)
    assert run.tasks["ask_approval"] == "skipped"
    assert on_sqlite.receipt(run)["judged"]["parked"] == ["create"]
