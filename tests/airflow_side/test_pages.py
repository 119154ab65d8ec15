"""Our pages ask for Airflow's login, on every route, and give reports only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from ready_stores import make_store


@pytest.fixture(scope="module", autouse=True)
def airflow_database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(params=["disk", "object store"])
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A finished run's folder; gives the address of its files."""
    from matchpoint_airflow.run import run_folder

    place = tmp_path.as_uri() if request.param == "disk" else f"{request.getfixturevalue('bucket')}/runs"
    monkeypatch.setenv("MATCHPOINT_RUNS", place)
    folder = run_folder("sis_import__students", "manual__1+00:00")
    folder.path("report.html").write_text("<h1>the report</h1>")
    folder.path("rejections", "students.rejected.csv").write_text("=cmd")
    folder.path("clearance.csv").write_text("primary_id")
    folder.path("plan.parquet").write_text("people")
    return "/matchpoint/runs/sis_import__students/manual__1%2B00:00"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Airflow's own API server with our plugin in it."""
    passwords = tmp_path_factory.mktemp("login") / "passwords.json"
    passwords.write_text('{"staff": "secret-of-staff", "boss": "secret-of-boss"}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "staff:viewer,boss:admin")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        from airflow.api_fastapi.app import create_app, purge_cached_app

        purge_cached_app()
        yield create_app()


@pytest.fixture(scope="module")
def api_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The user store of Airflow's connection; gives its URL."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    make_store(f"sqlite:///{path}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_USER_STORE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
        yield f"sqlite:///{path}"


@pytest.fixture
def client(server: FastAPI) -> TestClient:
    """A browser that nobody has signed in with."""
    return TestClient(server, raise_server_exceptions=False)


def sign_in(client: TestClient, name: str) -> dict[str, str]:
    answer = client.post("/auth/token", json={"username": name, "password": f"secret-of-{name}"})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_every_route_refuses_a_stranger(client: TestClient) -> None:
    from matchpoint_airflow.web.app import app

    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(app.routes) == 3
    for route in routes:
        for method in route.methods:
            path = route.path.format(dag_id="sis_import__students", run_id="r", name="report.html")
            assert client.request(method, f"/matchpoint{path}").status_code == 401


def test_every_route_of_the_api_refuses_who_shows_no_key(client: TestClient, api_store: str) -> None:
    from matchpoint_airflow.almaws.app import create_app
    from matchpoint_airflow.almaws.mounted import open_server

    routes = [route for route in create_app(open_server).routes if isinstance(route, APIRoute)]
    assert len(routes) >= 9
    for route in routes:
        for method in route.methods:
            path = re.sub(r"\{.+?\}", "s1", route.path)
            assert client.request(method, f"/alma{path}").status_code == 401, (method, path)
            signed_in = client.request(method, f"/alma{path}", headers=sign_in(client, "boss"))
            assert signed_in.status_code == 401, "a login of Airflow is no key"


def test_the_api_serves_the_user_store_of_airflow(client: TestClient, api_store: str) -> None:
    from datetime import UTC, datetime

    from matchpoint.almaws.keys import make_key
    from matchpoint.store import open_store

    key = make_key(open_store(api_store), "anybody", "rw", datetime.now(UTC))
    headers = {"Authorization": f"apikey {key}", "Accept": "application/json"}
    new = {"primary_id": "n1", "record_type": {"value": "PUBLIC"}, "account_type": {"value": "INTERNAL"}}
    assert client.post("/alma/almaws/v1/users", json=new, headers=headers).status_code == 200
    assert client.get("/alma/almaws/v1/users/n1", headers=headers).json()["primary_id"] == "n1"


def test_a_stranger_learns_nothing_from_a_real_run(client: TestClient, run: str) -> None:
    answer = client.get(f"{run}/report.html")
    assert answer.status_code == 401
    assert "report" not in answer.text


def test_staff_see_the_report_and_download_rejections(client: TestClient, run: str) -> None:
    headers = sign_in(client, "staff")
    report = client.get(f"{run}/report.html", headers=headers)
    assert (report.status_code, report.text) == (200, "<h1>the report</h1>")
    assert report.headers["content-type"].startswith("text/html")
    rejections = client.get(f"{run}/rejections/students.rejected.csv", headers=headers)
    assert rejections.status_code == 200
    assert rejections.headers["content-disposition"] == "attachment"
    clearance = client.get(f"{run}/clearance.csv", headers=headers)
    assert (clearance.status_code, clearance.headers["content-type"]) == (200, "text/csv; charset=utf-8")


@pytest.mark.parametrize(
    "path", ["plan.parquet", "manifest.json", "rejections/..%2Fplan.parquet", "rejections/none.csv", "rejections/.."]
)
def test_nothing_else_of_a_run_folder_is_given(client: TestClient, run: str, path: str) -> None:
    assert client.get(f"{run}/{path}", headers=sign_in(client, "boss")).status_code == 404


def test_a_run_id_cannot_leave_the_runs(client: TestClient, run: str, tmp_path: Path) -> None:
    (tmp_path.parent / "report.html").write_text("outside")
    for run_id in ("..", "..%2F..", "%2e%2e"):
        answer = client.get(f"/matchpoint/runs/{run_id}/{run_id}/report.html", headers=sign_in(client, "boss"))
        assert "outside" not in answer.text


def test_the_link_leads_to_the_report(client: TestClient, run: str) -> None:
    from airflow.sdk.types import TaskInstanceKey

    from matchpoint_airflow.links import ReportLink

    key = TaskInstanceKey("sis_import__students", "write_report", "manual__1+00:00", 1, -1)
    address = ReportLink().get_link(None, ti_key=key)
    path = address[address.index("/matchpoint") :]
    assert client.get(path, headers=sign_in(client, "staff")).text == "<h1>the report</h1>"
