"""Notices of real runs: each DAG run whole in Airflow, told to a real SMTP server and a real web server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from answers import answering, approve
from extracts import day_1, extract, student
from fastapi.testclient import TestClient
from harness import START, Matchpoint
from receivers import Hook, Mailbox, smtp_server, web_server

from matchpoint.profile import load_profile
from matchpoint_airflow.notices import hold_notifiers

IMPORT = "sis_import__students"
NOTICES = """notices:
  email: {to: [library@example.edu]}
  webhook: {connection: chat}
  expected_by: "07:30"
actions:
"""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def chat() -> Iterator[Hook]:
    with web_server() as server:
        yield server


@pytest.fixture
def told(on_sqlite: Matchpoint, mailbox: Mailbox, chat: Hook) -> Matchpoint:
    on_sqlite.use_profile("students", ("actions:\n", NOTICES))
    on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", mailbox.connection())
    on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_CHAT", chat.connection())
    on_sqlite.monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.edu/base")
    return on_sqlite


def test_success_failure_and_nothing_to_do(told: Matchpoint, mailbox: Mailbox, chat: Hook) -> None:
    (told.remote / "students_1.csv").write_text(day_1())
    first = told.run(IMPORT)
    assert first.state == "success"
    assert [mail["Subject"] for mail in mailbox.mails] == ["Students: import done: 30 rows, 2 to mend"]
    [notice] = chat.payloads()
    assert (notice["occasion"], notice["counts"]["created"]) == ("success", 28)
    assert notice["links"]["Report"].startswith(f"https://airflow.example.edu/base/matchpoint/runs/{IMPORT}/manual__")

    assert told.run(IMPORT, 2).tasks["fetch_extracts"] == "skipped"
    assert len(mailbox.mails) == 1, "a run with nothing to do is silent"

    (told.remote / "students_3.csv").write_text("STUDENT_ID,LAST_NAME\nS1,Family\n")
    failed = told.run(IMPORT, 3)
    assert failed.state == "failed"
    assert mailbox.mails[1]["Subject"] == "Students: import failed in check_feed"
    assert "students_3.csv: found no column" in mailbox.bodies()[1]
    assert chat.payloads()[1]["reasons"][0].startswith("check_feed: students_3.csv: found no column")

    (told.remote / "students_3.csv").write_text(extract([student(40)]))
    assert told.run(IMPORT, 3).state == "success", "cleared, after the file was sent anew"
    assert mailbox.mails[2]["Subject"] == "Students: import done: 1 row, all went through"
    assert len(mailbox.mails) == 3


@pytest.mark.parametrize("failed", [False, True])
def test_airflow_s_dag_processor_sends_it_as_well(told: Matchpoint, mailbox: Mailbox, failed: bool) -> None:
    """Where Airflow runs for real, its DAG processor calls, and may know of the run no more than its id."""
    import structlog
    from airflow.callbacks.callback_requests import DagCallbackRequest
    from airflow.dag_processing.dagbag import DagBag
    from airflow.dag_processing.processor import _execute_dag_callbacks

    (told.remote / "students_1.csv").write_text(extract([student(1)]))
    run = told.run(IMPORT)
    request = DagCallbackRequest(
        filepath="sis_import.py",
        dag_id=IMPORT,
        run_id=run.run_id,
        is_failure_callback=failed,
        bundle_name="dags-folder",
        bundle_version=None,
    )
    _execute_dag_callbacks(DagBag(), request, structlog.get_logger())
    done = "Students: import done: 1 row, all went through"
    assert [mail["Subject"] for mail in mailbox.mails] == [done, "Students: import failed" if failed else done]


def test_a_notice_that_cannot_be_sent_fails_nothing(
    told: Matchpoint, mailbox: Mailbox, chat: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    told.monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", '{"conn_type": "smtp", "host": "127.0.0.1", "port": 1}')
    (told.remote / "students_1.csv").write_text(extract([student(1)]))
    assert told.run(IMPORT).state == "success"
    assert mailbox.mails == []
    assert len(chat.posts) == 1, "the other channel is used all the same"


def test_a_run_that_waits_is_told_with_the_address_of_the_question(
    told: Matchpoint, mailbox: Mailbox, chat: Hook, api: TestClient
) -> None:
    told.use_profile("students", ("actions:\n", NOTICES), ("first_load: go", "first_load: ask"))
    (told.remote / "students_1.csv").write_text(day_1())
    assert told.run(IMPORT, dry_run=True).state == "success"
    assert mailbox.mails == [], "a dry run is silent"
    asks = told.run(IMPORT)
    with answering(api, "Reject"):
        assert approve(told, asks).state == "success"
    subjects = [mail["Subject"] for mail in mailbox.mails]
    assert subjects == ["Students: import done: 30 rows, 2 to mend", "Students: import waits for approval"]
    assert "this is the first load of the profile" in mailbox.bodies()[1]
    hold = chat.payloads()[1]
    assert (hold["occasion"], hold["run_id"]) == ("hold", f"{IMPORT}/{asks.run_id}")
    assert hold["links"]["Answer"].startswith("https://airflow.example.edu/base/dags/plan_approve/runs/")


def test_a_stopped_profile_is_told_every_night(told: Matchpoint, mailbox: Mailbox) -> None:
    (told.remote / "students_1.csv").write_text(extract([{**student(n), "LAST_NAME": ""} for n in range(20)]))
    assert told.run(IMPORT).tasks["guard_plan"] == "failed"
    assert told.run(IMPORT).tasks["check_connection"] == "skipped"
    assert [mail["Subject"] for mail in mailbox.mails] == [
        "Students: import failed in guard_plan",
        "Students: import failed in check_connection",
    ]
    assert "PROFILE students IS STOPPED" in mailbox.bodies()[1]


def test_nothing_arrived_is_told_once_a_day(told: Matchpoint, mailbox: Mailbox, chat: Hook) -> None:
    def watch(day: int, clock: str) -> str:
        """Run the watch at a time of a day; the harness begins its days at 05:00."""
        from airflow.dag_processing.dagbag import DagBag

        hours, minutes = map(int, clock.split(":"))
        due = START + timedelta(days=day, hours=hours - START.hour, minutes=minutes)
        return str(DagBag().dags["feeds_watch"].test(run_after=due, logical_date=due).state)

    assert watch(1, "07:15") == "success"
    assert mailbox.mails == [], "it is not late yet"
    chat.answers = [500, 500, 500]
    assert watch(1, "07:30") == "failed", "the web server did not take it"
    assert watch(1, "07:45") == "success"
    assert watch(1, "08:00") == "success"
    assert [mail["Subject"] for mail in mailbox.mails] == ["Students: nothing has arrived by 07:30"]
    assert [one["occasion"] for one in chat.payloads()] == ["nothing_arrived"] * 4, "three tries, then the one"
    assert watch(2, "09:00") == "success"
    assert len(mailbox.mails) == 2, "another day"


def test_what_arrived_is_not_told(told: Matchpoint, mailbox: Mailbox) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.timezone import utcnow

    (told.remote / "students_1.csv").write_text(extract([student(1)]))
    assert told.run(IMPORT).state == "success"
    today = utcnow().replace(hour=23, minute=59)
    assert str(DagBag().dags["feeds_watch"].test(run_after=today, logical_date=today).state) == "success"
    assert len(mailbox.mails) == 1, "that of the run"


def test_a_store_that_does_not_answer_is_told(told: Matchpoint) -> None:
    from airflow.dag_processing.dagbag import DagBag

    told.monkeypatch.setenv("AIRFLOW_CONN_USER_STORE", '{"conn_type": "mysql", "host": "x"}')
    due = START + timedelta(days=5, hours=9)
    assert str(DagBag().dags["feeds_watch"].test(run_after=due, logical_date=due).state) == "failed"


def test_a_profile_without_notices_has_no_callbacks(on_sqlite: Matchpoint, caplog: pytest.LogCaptureFixture) -> None:
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag().dags[IMPORT]
    assert dag.on_success_callback is None
    assert dag.on_failure_callback is None
    with caplog.at_level(logging.ERROR):
        assert hold_notifiers(load_profile(on_sqlite.base / "profiles" / "students.yaml"), "import") == []
