"""Every DAG parses, fast and offline, and says to staff what it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import PROFILES

CODES = ("alma_xml", "staff", "students")
FILTERS = ["profile", "record_type", "user_group", "dry_run"]
JOBS = {
    "code_tables_load": ["store"],
    "letters_retry": ["store", "profile", "codes", "dry_run"],
    "obligations_load": ["store"],
    "profile_release": ["store", "profile"],
    "runs_undo": ["store", "run", "identifier", "field", "limit_users", "limit_percent", "force", "dry_run"],
    "identity_review": ["store", "proposals", "decision", "profile"],
    "users_convert": ["store", "to", "ids", *FILTERS, "external_id", "passwords"],
    "users_hand_over": ["store", "dry_run"],
    "users_purge": ["store", "days_after", *FILTERS, "forget"],
}
"""DAGs that are started by hand and work on one store, with the params of their forms."""
APPROVAL = "plan_approve"
WATCHERS: dict[str, list[str]] = {
    "code_tables_refresh": [],
    "feeds_watch": [],
    "runs_purge": ["extracts_days", "run_days", "dry_run"],
}
"""DAGs that look after the others on a schedule of their own, with their params."""
RECONCILE = "alma_reconcile"
OTHERS = {RECONCILE, *JOBS, *WATCHERS, APPROVAL}
EXPECTED = {f"sis_{mode}__{code}" for mode in ("import", "synchronize") for code in CODES}


@pytest.fixture(scope="module")
def dagbag():
    from airflow.dag_processing.dagbag import DagBag

    return DagBag()


def test_one_dag_per_profile_and_active_mode(dagbag) -> None:
    assert dagbag.import_errors == {}
    assert set(dagbag.dags) == EXPECTED | OTHERS


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_dag_has_manual_tags_titled_params_and_one_run_at_a_time(dagbag, dag_id: str) -> None:
    dag = dagbag.dags[dag_id]
    _, mode, code = dag_id.replace("__", "_").split("_", 2)
    assert {"matchpoint", mode, code} <= set(dag.tags)
    for part in ("What it does", "Is it safe to run again?", "When it failed", "Try it first"):
        assert part in dag.doc_md
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert list(dag.params) == ["only_file", "dry_run", "as_of"]
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.schema["title"]
        assert param.description


@pytest.mark.parametrize("dag_id", sorted(JOBS))
def test_a_job_has_manual_titled_params_and_no_schedule(dagbag, dag_id: str) -> None:
    dag = dagbag.dags[dag_id]
    assert dag.timetable.can_be_scheduled is False
    assert (dag.max_active_runs, "matchpoint" in dag.tags) == (1, True)
    for part in ("What it does", "Is it safe to run again?", "When it failed"):
        assert part in dag.doc_md
    assert list(dag.params) == JOBS[dag_id]
    for name in dag.params:
        assert dag.params.get_param(name).schema["title"]
        assert dag.params.get_param(name).description


def test_the_approval_waits_for_whoever_asks_side_by_side_and_is_never_paused(dagbag) -> None:
    dag = dagbag.dags[APPROVAL]
    assert (dag.is_paused_upon_creation, dag.max_active_runs > 1) == (False, True)
    assert dag.timetable.can_be_scheduled is False
    assert [task.task_id for task in dag.topological_sort()] == ["answer", "apply_plan", "write_report"]
    for part in ("What it does", "Is it safe to run again?", "Unanswered", "Superseded"):
        assert part in dag.doc_md


@pytest.mark.parametrize("dag_id", sorted(WATCHERS))
def test_a_watcher_has_manual_titled_params_and_a_schedule(dagbag, dag_id: str) -> None:
    dag = dagbag.dags[dag_id]
    assert dag.timetable.can_be_scheduled
    assert (dag.max_active_runs, dag.catchup, "matchpoint" in dag.tags) == (1, False, True)
    for part in ("What it does", "Is it safe to run again?", "When it failed"):
        assert part in dag.doc_md
    assert list(dag.params) == WATCHERS[dag_id]
    for name in dag.params:
        assert dag.params.get_param(name).schema["title"]
        assert dag.params.get_param(name).description


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_dag_has_the_named_tasks_and_an_asset(dagbag, dag_id: str) -> None:
    dag = dagbag.dags[dag_id]
    assert [task.task_id for task in dag.topological_sort()] == [
        "check_connection", "fetch_extracts", "check_feed", "transform_users", "match_users", "guard_plan",
        "apply_plan", "write_report", "ask_approval", "mark_handled",
    ]  # fmt: skip
    code = dag_id.split("__")[1]
    assert [asset.name for asset in dag.get_task("apply_plan").outlets] == [f"matchpoint_users__{code}"]
    for task in dag.tasks:
        assert task.retries == 3
        assert task.retry_exponential_backoff


def test_only_connection_errors_are_tried_again(dagbag) -> None:
    from airflow.sdk import RetryAction
    from sqlalchemy.exc import IntegrityError, OperationalError

    policy = dagbag.dags["sis_import__students"].get_task("apply_plan").retry_policy
    for error in (ConnectionError("gone"), ConnectionResetError(), OperationalError("", {}, Exception())):
        assert policy.evaluate(error, 1, 3).action is RetryAction.RETRY
    for error in (ValueError("bad"), IntegrityError("", {}, Exception()), FileNotFoundError()):
        assert policy.evaluate(error, 1, 3).action is RetryAction.FAIL


def test_the_schedule_is_the_profiles_in_its_time_zone(on_sqlite) -> None:
    from airflow.dag_processing.dagbag import DagBag

    on_sqlite.use_profile("students", ("timezone: UTC", "timezone: Europe/London"))
    dags = DagBag().dags
    timetable = dags["sis_synchronize__students"].timetable
    assert timetable.expression == "0 5 * * *"
    assert str(timetable.timezone) == "Europe/London" or timetable.timezone.name == "Europe/London"


@pytest.mark.parametrize("dag_id", ["sis_import__students", "sis_synchronize__students"])
def test_a_dag_that_is_switched_on_waits_for_its_next_time(dagbag, dag_id: str) -> None:
    from airflow.sdk.timezone import utcnow
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    dag = dagbag.dags[dag_id]
    never_ran = TimeRestriction(earliest=dag.start_date, latest=None, catchup=dag.catchup)
    timetable = coerce_to_core_timetable(dag.timetable)
    info = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=never_ran)
    assert info.run_after > utcnow()


def test_one_bad_profile_is_its_own_import_error_and_hides_no_other(on_sqlite) -> None:
    from airflow.dag_processing.dagbag import DagBag

    good = (PROFILES / "staff.yaml").read_text()
    folder = Path(on_sqlite.base / "profiles")
    (folder / "staff.yaml").write_text(good)
    (folder / "alma_xml.yaml").write_text(
        (PROFILES / "alma_xml.yaml").read_text().replace("unmatched: create", "unmatched: add")
    )
    bag = DagBag()
    assert set(bag.dags) - OTHERS == {
        f"sis_{mode}__{code}" for mode in ("import", "synchronize") for code in ("staff", "students")
    }
    [(file, error)] = bag.import_errors.items()
    assert Path(file).name == "integration_profiles.py"
    assert "alma_xml.yaml" in error
    assert "actions.synchronize.unmatched: found 'add'" in error
    assert "'create' or 'skip'" in error


def test_an_inactive_mode_has_no_dag(on_sqlite) -> None:
    from airflow.dag_processing.dagbag import DagBag

    on_sqlite.use_profile("students", ("  import:\n", "  import:\n    active: false\n"))
    assert set(DagBag().dags) - OTHERS == {"sis_synchronize__students"}


def test_parsing_imports_no_pandas_and_opens_no_connection() -> None:
    script = (
        "import socket, sys\n"
        "def refuse(*args): raise AssertionError('parsing opened a connection')\n"
        "socket.socket.connect = refuse\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        "bag = DagBag()\n"
        f"assert len(bag.dags) == {len(EXPECTED | OTHERS)}, bag.import_errors\n"
        "heavy = {'pandas', 'pyarrow', 'paramiko', 'lxml'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
