"""What goes wrong with a server: each is told apart, says what to do, and writes nothing."""

from __future__ import annotations

import dataclasses
import json
import socket

import pytest
from airflow.sdk.exceptions import AirflowFailException
from harness import Matchpoint

from matchpoint_airflow.hooks.sis import sis_server


def fails(matchpoint: Matchpoint, connection: str, error: type[Exception]) -> str:
    matchpoint.monkeypatch.setenv("AIRFLOW_CONN_SIS_SFTP", connection)
    with pytest.raises(error) as told, sis_server("sis_sftp", matchpoint.folder) as server:
        server.files()
    return str(told.value)


def test_an_unreachable_server_is_tried_again(on_sqlite: Matchpoint) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = dataclasses.replace(on_sqlite.server, port=free.getsockname()[1])
    told = fails(on_sqlite, gone.connection(), ConnectionError)
    assert "sis_sftp (127.0.0.1:" in told
    assert "cannot be reached" in told


def test_a_wrong_host_key_fails_at_once(on_sqlite: Matchpoint) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYgFgE6vYmkeGmTqYQe0hXhLOyMwp8GmFkSmUH3tkvz"
    told = fails(on_sqlite, on_sqlite.server.connection(host_key=other), AirflowFailException)
    assert "another host key" in told
    assert "host_key" in told


def test_a_server_without_pinned_host_key_is_not_trusted(on_sqlite: Matchpoint) -> None:
    told = fails(on_sqlite, on_sqlite.server.connection(host_key=None), AirflowFailException)
    assert "no pinned host key" in told


def test_a_refused_login_fails_at_once(on_sqlite: Matchpoint) -> None:
    stranger = dataclasses.replace(on_sqlite.server, login="nobody-here")
    assert "login was refused" in fails(on_sqlite, stranger.connection(), AirflowFailException)


def test_a_missing_folder_is_named(on_sqlite: Matchpoint) -> None:
    with (
        pytest.raises(AirflowFailException, match="found no folder 'no/such'"),
        sis_server("sis_sftp", "no/such") as server,
    ):
        server.files()


def test_a_store_of_another_kind_is_refused(on_sqlite: Matchpoint) -> None:
    from matchpoint_airflow.hooks.user_store import UserStoreHook

    on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_USER_STORE", json.dumps({"conn_type": "mysql", "host": "x"}))
    with pytest.raises(AirflowFailException, match="expected sqlite or postgres"):
        UserStoreHook("user_store").get_conn()


def test_a_run_that_cannot_sign_in_fails_in_check_connection(on_sqlite: Matchpoint) -> None:
    stranger = dataclasses.replace(on_sqlite.server, login="nobody-here")
    on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_SIS_SFTP", stranger.connection())
    result = on_sqlite.run("sis_import__students")
    assert result.state == "failed"
    assert result.tasks.pop("check_connection") == "failed"
    assert set(result.tasks.values()) == {"upstream_failed"}


def test_a_file_sent_anew_during_the_run_is_left_for_the_next(on_sqlite: Matchpoint) -> None:
    from matchpoint_airflow.operators.handled import rename_handled

    (on_sqlite.remote / "students_1.csv").write_text("newer")
    with sis_server("sis_sftp", on_sqlite.folder) as server:
        assert rename_handled(server, "students_1.csv", modified=1, size=5) is False
    assert [path.name for path in on_sqlite.remote.iterdir()] == ["students_1.csv"]


def test_a_name_that_was_handled_before_is_kept_apart(on_sqlite: Matchpoint) -> None:
    from matchpoint_airflow.operators.handled import rename_handled

    (on_sqlite.remote / "students.csv.handled").write_text("yesterday")
    (on_sqlite.remote / "students.csv").write_text("today")
    with sis_server("sis_sftp", on_sqlite.folder) as server:
        [file] = [one for one in server.files() if one.name == "students.csv"]
        assert rename_handled(server, file.name, file.modified, file.size)
    assert {path.name: path.read_text() for path in on_sqlite.remote.iterdir()} == {
        "students.csv.handled": "yesterday",
        f"students.csv.{file.modified}.handled": "today",
    }
