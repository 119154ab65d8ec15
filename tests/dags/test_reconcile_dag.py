"""Reconcile and the refresh of code tables, whole in Airflow."""

from __future__ import annotations

import copy
import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException
from harness import START, Matchpoint
from ready_stores import make_store
from served import allow, serving

from matchpoint.accounts.store import Act, create
from matchpoint.alma.code_tables import Code
from matchpoint.alma.law import new_user
from matchpoint.alma.xml_files import write_users
from matchpoint.store import open_store, upgrade, writing
from matchpoint.store.code_tables import load_code_tables, save_code_tables
from matchpoint_airflow.operators import AlmaReconcileOperator

API = "\ndestinations:\n  alma_api: {connection: alma, reserve: 10}\n"


def by_api(matchpoint: Matchpoint) -> Any:
    """Reconcile by the API in a task alone."""
    context: Any = {
        "dag_run": SimpleNamespace(dag_id="alma_reconcile", run_id="alone", run_after=START),
        "params": {"source": "api", "repair": False},
        "ti": SimpleNamespace(task_id="reconcile", map_index=-1),
    }
    return AlmaReconcileOperator(task_id="reconcile", profile="students").execute(context)


def test_drift_is_reported_then_repaired_and_tables_come_from_alma(on_sqlite: Matchpoint) -> None:
    path = on_sqlite.base / "profiles" / "students.yaml"
    path.write_text(path.read_text(encoding="utf-8") + API, encoding="utf-8")
    make_store(on_sqlite.store_url)
    store = open_store(on_sqlite.store_url)
    named = [{"primary_id": f"s{number}", "last_name": "Ito"} for number in range(3)]
    people = [new_user(one, profile_code="students", record_type="PUBLIC") for one in named]
    with writing(store).begin() as connection:
        for one in people:
            create(connection, one, Act("test", START))
    exports = on_sqlite.base / "exports" / "students"
    exports.mkdir(parents=True)
    on_sqlite.monkeypatch.setenv("MATCHPOINT_EXPORTS", str(exports.parent))
    assert on_sqlite.run("alma_reconcile", profile="students", source="file", repair=False).state == "failed"

    alma = copy.deepcopy(people[:2])
    alma[1]["last_name"] = "Else"
    file = io.BytesIO()
    write_users(file, alma)
    exports.joinpath("users.xml").write_bytes(file.getvalue())
    told = on_sqlite.run("alma_reconcile", profile="students", source="file", repair=False)
    report = on_sqlite.run_folder(told).root.joinpath("report.html").read_text(encoding="utf-8")
    assert "1 the same on both sides, 2 not." in report
    assert ("Dry run" in report, "Else" in report, "s1" in report) == (True, False, False)
    assert on_sqlite.run_folder(told).read_json("drift.json")["fields"] == {"last_name": 1}
    rows = on_sqlite.run_folder(told).root.joinpath("rejections", "drift.csv").read_text().split("\n")
    assert [row.split(",")[0].strip() for row in rows[1:3]] == ["s1", "s2"]

    double = open_store(f"sqlite:///{on_sqlite.base / 'alma.sqlite'}")
    upgrade(double)
    save_code_tables(double, [Code("UserGroups", "GUEST", "Guest")])
    with writing(double).begin() as connection:
        for one in alma:
            create(connection, one, Act("test", START))
    with serving(double) as served:
        connection_of = {"conn_type": "alma", "host": served.address, "password": served.key}
        on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_ALMA", json.dumps(connection_of))
        allow(double, 5)
        with pytest.raises(AirflowRescheduleException) as later:
            by_api(on_sqlite)
        assert later.value.reschedule_date > datetime.now(UTC)
        allow(double, 1_000)
        mended = on_sqlite.run("alma_reconcile", profile="students", source="api", repair=True)
        refreshed = on_sqlite.run("code_tables_refresh")
    assert (mended.state, refreshed.state) == ("success", "success")
    report = on_sqlite.run_folder(mended).root.joinpath("report.html").read_text(encoding="utf-8")
    assert (
        "1 the same on both sides, 2 not. 0 users put into the outbox again, to be delivered. 1 user taken" in report
    )
    assert [one.code for one in load_code_tables(store) if one.table == "UserGroups"] == ["GUEST"]
    listed = on_sqlite.run_folder(refreshed).root.joinpath("rejections", "missing_codes.csv").read_text()
    assert "students,UserGroups,user_group," in listed
