"""What goes beyond the limits waits in Airflow for a person, while the rest flows: by the real DAGs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import extracts
import pytest
from fastapi.testclient import TestClient
from harness import Matchpoint, Result


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TestClient:
    """Airflow's own API server, with Ann signed in."""
    passwords = tmp_path / "passwords.json"
    passwords.write_text('{"ann": "secret"}')
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "ann:admin")
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
    from airflow.api_fastapi.app import create_app, purge_cached_app

    purge_cached_app()
    client = TestClient(create_app(), raise_server_exceptions=False)
    token = client.post("/auth/token", json={"username": "ann", "password": "secret"}).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@contextmanager
def answering(api: TestClient, answer: str) -> Iterator[list[dict[str, Any]]]:
    """Answer the next question as a person would; gives what was asked."""
    asked: list[dict[str, Any]] = []
    over = threading.Event()

    def person() -> None:
        while not asked and not over.is_set():
            time.sleep(0.2)
            open_ones = api.get("/api/v2/dags/~/dagRuns/~/hitlDetails", params={"response_received": False}).json()
            for one in open_ones.get("hitl_details", []):
                task = one["task_instance"]
                path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'])}"
                where = f"{path}/taskInstances/{task['task_id']}/-1/hitlDetails"
                said = api.patch(where, json={"chosen_options": [answer], "params_input": {}})
                assert said.status_code == 200, said.text
                asked.append(one)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join()


@contextmanager
def nobody_answering() -> Iterator[None]:
    """Let the time for an answer run out, by the scheduler's own look at it."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    over = threading.Event()

    def time_passes() -> None:
        while not over.wait(0.2):
            with create_session() as session:
                waits = update(TaskInstance).where(TaskInstance.state == "awaiting_input")
                session.execute(waits.values(trigger_timeout=datetime(2026, 1, 1, tzinfo=UTC)))
                SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts(session=session)

    thread = threading.Thread(target=time_passes)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def deliver(matchpoint: Matchpoint, name: str, text: str) -> None:
    matchpoint.remote.joinpath(name).write_text(text, encoding="utf-8")


def approve(matchpoint: Matchpoint, run: Result) -> Result:
    """Run what the run's task ``ask_approval`` started."""
    about = {
        "profile": "students",
        "mode": run.dag_id.split("_")[1],
        "about_dag": run.dag_id,
        "about_run": run.run_id,
    }
    return matchpoint.run("plan_approve", **about)


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
