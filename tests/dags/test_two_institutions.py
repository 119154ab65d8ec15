"""A consortium in Airflow: the profile names the store of its institution."""

from __future__ import annotations

from extracts import extract, student
from harness import Matchpoint, store_connection


def test_each_institution_has_its_own_store(on_sqlite: Matchpoint) -> None:
    there = on_sqlite.store_url.replace("store.sqlite", "north.sqlite")
    on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_NORTH_STORE", store_connection(there))
    on_sqlite.use_profile("students", ("store: user_store", "store: north_store"), ("code: students", "code: north"))
    profiles = on_sqlite.base / "profiles"
    (profiles / "students.yaml").rename(profiles / "north.yaml")
    (on_sqlite.remote / "students_1.csv").write_text(extract([student(1), student(2)]))
    north = on_sqlite.run("sis_import__north")
    assert on_sqlite.receipt(north)["total"]["created"] == 2

    on_sqlite.use_profile("students")
    (on_sqlite.remote / "students_2.csv").write_text(extract([student(2), student(3)]))
    main = on_sqlite.run("sis_import__students")
    assert on_sqlite.receipt(main)["total"]["created"] == 2  # the same person may be in both
    assert set(on_sqlite.store()["users"]) == {"s00002", "s00003"}
    on_sqlite.store_url = there
    assert set(on_sqlite.store()["users"]) == {"s00001", "s00002"}
