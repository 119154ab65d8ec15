"""The DAG that delivers a profile to Alma: as it parses, and whole against an Alma double."""

from __future__ import annotations

from alma_double import ACT, alma_double
from harness import START, Matchpoint, Result
from ready_stores import make_store

from matchpoint.accounts.one import delete
from matchpoint.accounts.rules import new_internal
from matchpoint.accounts.store import Act, create
from matchpoint.alma.law import new_user
from matchpoint.store import open_store, writing

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


def report(matchpoint: Matchpoint, result: Result) -> str:
    return matchpoint.run_folder(result).root.joinpath("report.html").read_text(encoding="utf-8")


def loaded(matchpoint: Matchpoint) -> list[str]:
    """Make the store, with some users of the profile; give their primary ids."""
    make_store(matchpoint.store_url)
    people = ["s1", "s2", "s3"]
    with writing(open_store(matchpoint.store_url)).begin() as connection:
        for who in people:
            user = new_user({"primary_id": who, "last_name": "Ito"}, profile_code="students", record_type="PUBLIC")
            create(connection, user, Act("test", START))
    return people


def test_a_load_is_delivered_and_whom_alma_did_not_take_is_tried_again(on_sqlite: Matchpoint) -> None:
    with_api(on_sqlite)
    people = loaded(on_sqlite)
    with alma_double(on_sqlite.base, ["students"]) as alma:
        alma.has(new_internal({"primary_id": people[0], "record_type": {"value": "STAFF"}}))
        on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_ALMA", alma.connection())
        first = on_sqlite.run("alma_deliver__students")
        assert (first.state, set(first.tasks.values())) == ("success", {"success"})
        assert sorted(alma.users()) == people
        receipt = on_sqlite.receipt(first)
        assert (receipt["due"], receipt["created"], receipt["dead"]) == (len(people), len(people) - 1, 1)
        assert "The user is internal in Alma" in report(on_sqlite, first)
        assert people[0] not in report(on_sqlite, first)

        nobody = on_sqlite.run("alma_deliver__students")
        assert set(nobody.tasks.values()) == {"skipped"}, "nothing changed, and the dead letter waits"

        delete(alma.engine, people[0], ACT)
        again = on_sqlite.run("letters_retry", dry_run=False, codes=["internal"])
        assert "1 dead letter for the next delivery to try again. 1 with code internal" in report(on_sqlite, again)
        assert on_sqlite.receipt(on_sqlite.run("alma_deliver__students"))["created"] == 1
        assert [alma.users()[who]["account_type"]["value"] for who in people] == ["EXTERNAL"] * 3
