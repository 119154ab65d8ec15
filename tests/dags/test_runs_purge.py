"""The weekly purge of runs, whole in Airflow, on a disk and in an object store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.utils.session import create_session
from extracts import day_1, day_2
from harness import START, Matchpoint, Result

from matchpoint.retention import KEPT
from matchpoint.store import open_store
from matchpoint.store.tables import metadata

IMPORT, SYNCHRONIZE = "sis_import__students", "sis_synchronize__students"


def files(matchpoint: Matchpoint, run: Result) -> set[str]:
    root = matchpoint.run_folder(run).root
    return {one.name for one in root.rglob("*") if one.is_file()} if root.exists() else set()


def purge(matchpoint: Matchpoint, number: int, **params: Any) -> str:
    """Run the purge, and give what its report says."""
    from airflow.dag_processing.dagbag import DagBag

    due = START + timedelta(days=number)
    conf = {"extracts_days": 90, "run_days": 365, "dry_run": False, **params}
    run = DagBag().dags["runs_purge"].test(run_after=due, logical_date=due, run_conf=conf)
    assert str(run.state) == "success"
    result = Result("success", {}, run.run_id, "runs_purge")
    return str(matchpoint.run_folder(result).root.joinpath("report.html").read_text())


def set_clock_back(matchpoint: Matchpoint, run: Result, days: int) -> None:
    """Make a run look so many days old: what it says of itself, in its folder and in the store."""
    from datetime import UTC, datetime

    folder = matchpoint.run_folder(run)
    then = datetime.now(UTC) - timedelta(days=days)
    for name, key in (("plan.json", "planned_at"), ("receipt.json", "finished_at")):
        folder.write_json(name, {**folder.read_json(name), key: then.isoformat()})
    runs = metadata.tables["runs"]
    with open_store(matchpoint.store_url).begin() as connection:
        connection.execute(runs.update().values(planned_at=then).where(runs.c.run_id == f"{run.dag_id}/{run.run_id}"))


def planned(matchpoint: Matchpoint) -> set[str]:
    with open_store(matchpoint.store_url).connect() as connection:
        return {row.run_id for row in connection.execute(metadata.tables["plan_rows"].select())}


@pytest.fixture
def age(on_sqlite: Matchpoint) -> Callable[[Result, int], None]:
    """Give a function that makes a run's folder and planned rows old; files on a disk too."""
    import os

    def make_old(run: Result, days: int) -> None:
        set_clock_back(on_sqlite, run, days)
        for path in (on_sqlite.base / "runs").rglob("*"):
            if run.dag_id in path.parts:
                written = path.stat().st_mtime - days * 86_400
                os.utime(path, (written, written))

    return make_old


def test_a_run_is_emptied_then_gone_and_one_that_waits_stays(
    on_sqlite: Matchpoint, age: Callable[[Result, int], None]
) -> None:
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    old = on_sqlite.run(IMPORT, 1)
    (on_sqlite.remote / "students_2.csv").write_text(day_2())
    new = on_sqlite.run(SYNCHRONIZE, 2)
    before, kept = files(on_sqlite, old), files(on_sqlite, new)
    age(old, 91)

    said = purge(on_sqlite, 3, dry_run=True)
    assert "1 run emptied of people&#39;s data" in said
    assert "2 planned rows deleted" in said
    assert files(on_sqlite, old) == before

    set_state(old, "running")
    assert "1 run left because not over" in purge(on_sqlite, 4)
    assert files(on_sqlite, old) == before
    assert len(planned(on_sqlite)) == 2
    set_state(old, "success")

    purge(on_sqlite, 5)
    assert files(on_sqlite, old) <= KEPT
    assert {"receipt.json", "report.html"} <= files(on_sqlite, old)
    assert files(on_sqlite, new) == kept
    assert planned(on_sqlite) == {f"{SYNCHRONIZE}/{new.run_id}"}
    assert len(on_sqlite.store()["users"]) == 32, "users and history are not touched"

    again = on_sqlite.run(IMPORT, 1)
    assert again.tasks["fetch_extracts"] == "failed", "it cannot be repeated, and says so"

    assert "0 runs emptied" in purge(on_sqlite, 6)
    age(new, 400)
    purge(on_sqlite, 7)
    assert files(on_sqlite, new) == set()


def set_state(run: Result, state: str) -> None:
    """Set the state of a run in Airflow, as that of one that waits for approval is."""
    from airflow.models import DagRun
    from sqlalchemy import select

    with create_session() as session:
        session.scalars(select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id)).one().state = state


def test_the_profile_s_own_clock_decides(on_sqlite: Matchpoint, age: Callable[[Result, int], None]) -> None:
    on_sqlite.use_profile("students", ("actions:\n", "retention: {extracts_days: 7, run_days: 30}\nactions:\n"))
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    run = on_sqlite.run(IMPORT)
    age(run, 8)
    purge(on_sqlite, 2, extracts_days=365)
    assert files(on_sqlite, run) <= KEPT


def test_with_a_profile_that_cannot_be_read_its_runs_are_left_alone(
    on_sqlite: Matchpoint, age: Callable[[Result, int], None]
) -> None:
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    run = on_sqlite.run(IMPORT)
    before = files(on_sqlite, run)
    age(run, 1_000)
    (on_sqlite.base / "profiles" / "students.yaml").write_text("code: students")
    purge(on_sqlite, 2)
    assert files(on_sqlite, run) == before


def test_in_an_object_store(on_sqlite: Matchpoint, bucket: str) -> None:
    from airflow.sdk import ObjectStoragePath

    on_sqlite.monkeypatch.setenv("MATCHPOINT_RUNS", f"{bucket}/runs")
    ObjectStoragePath(bucket).mkdir(parents=True, exist_ok=True)
    on_sqlite.use_profile("students", ("actions:\n", "retention: {extracts_days: 1, run_days: 30}\nactions:\n"))
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    run = on_sqlite.run(IMPORT)
    set_clock_back(on_sqlite, run, 31)
    assert "0 runs emptied" in purge(on_sqlite, 2), "the objects were written now"
    assert "extracts" in {one.name for one in on_sqlite.run_folder(run).root.iterdir()}
