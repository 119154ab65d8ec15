"""The DAG that delivers a profile to Alma: as it parses, and whole against an Alma double."""

from __future__ import annotations

from harness import Matchpoint

API = "\ndestinations:\n  alma_api: {connection: alma, reserve: 10}\n  schedule: '15 4 * * *'\n"


def with_api(matchpoint: Matchpoint) -> None:
    """Have the profile of the students deliver to Alma by its API."""
    path = matchpoint.base / "profiles" / "students.yaml"
    path.write_text(path.read_text(encoding="utf-8") + API, encoding="utf-8")


def test_a_profile_with_destinations_is_delivered_when_a_plan_was_applied_and_by_the_clock(
    on_sqlite: Matchpoint,
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    with_api(on_sqlite)
    bag = DagBag()
    assert bag.import_errors == {}
    dag = bag.dags["alma_deliver__students"]
    assert [task.task_id for task in dag.topological_sort()] == ["plan_delivery", "deliver_by_api", "report_delivery"]
    assert (dag.max_active_runs, dag.catchup, {"matchpoint", "deliver", "students"} <= set(dag.tags)) == (
        1,
        False,
        True,
    )
    assert [asset.name for asset in dag.timetable.asset_condition.objects] == ["matchpoint_users__students"]
    assert dag.timetable.timetable.expression == "15 4 * * *"
    for part in ("What it does", "Is it safe to run again?", "When it failed", "the REST API"):
        assert part in dag.doc_md
    assert {task.retries for task in dag.tasks} == {3}
