"""Both DAGs whole, in Airflow, against a real OpenSSH server, on SQLite and PostgreSQL."""

from __future__ import annotations

import io
import zipfile

from extracts import day_1, day_2, extract, student
from harness import Matchpoint

ZERO = dict.fromkeys(("created", "updated", "unchanged", "skipped", "rejected", "conflict", "failed"), 0)
IMPORT, SYNCHRONIZE = "sis_import__students", "sis_synchronize__students"


def counts(**given: int) -> dict[str, int]:
    return {"processed": sum(given.values()), **ZERO, **given}


def test_import_synchronize_clear_everything_and_the_same_again(matchpoint: Matchpoint) -> None:
    (matchpoint.remote / "students_1.csv").write_text(day_1())
    first = matchpoint.run(IMPORT)
    assert first.state == "success"
    assert matchpoint.receipt(first)["total"] == counts(created=28, rejected=2)
    assert [path.name for path in matchpoint.remote.iterdir()] == ["students_1.csv.handled"]
    after_import = matchpoint.store()
    assert len(after_import["users"]) == 28

    again = matchpoint.run(IMPORT, 1)
    assert again.tasks == first.tasks
    assert again.run_id == first.run_id
    assert matchpoint.receipt(again)["total"] == counts(created=28, rejected=2)
    assert matchpoint.store() == after_import

    (matchpoint.remote / "students_2.csv").write_text(day_2())
    second = matchpoint.run(SYNCHRONIZE, 2)
    receipt = matchpoint.receipt(second)
    assert receipt["total"] == counts(created=4, updated=3, unchanged=23, rejected=1)
    assert receipt["changed_fields"] == {"last_name": 1, "email": 1, "user_identifier": 1}
    after_synchronize = matchpoint.store()
    assert len(after_synchronize["users"]) == 32
    assert "newcard" in after_synchronize["identifiers"]
    assert "c00003" not in after_synchronize["identifiers"]

    cleared = matchpoint.run(SYNCHRONIZE, 2)
    assert matchpoint.receipt(cleared)["total"] == receipt["total"]
    assert matchpoint.receipt(cleared)["changed_fields"] == receipt["changed_fields"]
    assert matchpoint.store() == after_synchronize

    (matchpoint.remote / "students_3.csv").write_text(day_2())
    third = matchpoint.run(SYNCHRONIZE, 3)
    assert matchpoint.receipt(third)["total"] == counts(unchanged=30, rejected=1)
    assert matchpoint.store() == after_synchronize


def test_several_files_and_zips_of_several_files_in_one_run(on_sqlite: Matchpoint) -> None:
    on_sqlite.use_profile("students", ("students_*.csv", "students_*"))
    (on_sqlite.remote / "students_a.csv").write_text(extract([student(1), student(2)]))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("north.csv", extract([student(3)]))
        archive.writestr("south.csv", extract([student(4), student(1)]))
    (on_sqlite.remote / "students_b.zip").write_bytes(packed.getvalue())
    result = on_sqlite.run(IMPORT)
    receipt = on_sqlite.receipt(result)
    assert [(file["name"], file["member"], file["counts"]["created"]) for file in receipt["files"]] == [
        ("students_a.csv", None, 2),
        ("students_b.zip", "north.csv", 1),
        ("students_b.zip", "south.csv", 1),
    ]
    assert receipt["total"] == counts(created=4, rejected=1)
    assert [task for task in result.tasks if task.startswith("transform_users")] == [
        "transform_users[0]", "transform_users[1]", "transform_users[2]",
    ]  # fmt: skip
    assert sorted(path.name for path in on_sqlite.remote.iterdir()) == [
        "students_a.csv.handled",
        "students_b.zip.handled",
    ]


def test_a_mended_rejections_file_is_dropped_back_as_it_is(on_sqlite: Matchpoint) -> None:
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    first = on_sqlite.run(IMPORT)
    rejected = on_sqlite.run_folder(first).root / "rejections" / "students_1.rejected.csv"
    text = rejected.read_text()
    assert text.count("\n") == 3
    mended = text.replace("next summer", "30/06/2027").replace("C00010", "C00011")
    (on_sqlite.remote / rejected.name).write_text(mended)
    second = on_sqlite.run(IMPORT)
    assert on_sqlite.receipt(second)["total"] == counts(created=2)


def test_a_dry_run_writes_nothing_and_leaves_the_files(on_sqlite: Matchpoint) -> None:
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    result = on_sqlite.run(IMPORT, dry_run=True)
    assert result.state == "success"
    assert result.tasks["apply_plan"] == result.tasks["mark_handled"] == "skipped"
    assert on_sqlite.receipt(result)["dry_run"] is True
    assert on_sqlite.receipt(result)["total"] == counts(created=28, rejected=2)
    assert on_sqlite.store() == {"users": {}, "identifiers": [], "history": []}
    assert [path.name for path in on_sqlite.remote.iterdir()] == ["students_1.csv"]


def test_only_this_file(on_sqlite: Matchpoint) -> None:
    for number in (1, 2):
        (on_sqlite.remote / f"students_{number}.csv").write_text(extract([student(number)]))
    result = on_sqlite.run(IMPORT, only_file="students_2.csv")
    assert [file["name"] for file in on_sqlite.receipt(result)["files"]] == ["students_2.csv"]
    assert sorted(path.name for path in on_sqlite.remote.iterdir()) == ["students_1.csv", "students_2.csv.handled"]


def test_a_file_that_only_was_not_renamed_is_not_applied_twice(on_sqlite: Matchpoint) -> None:
    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    on_sqlite.run(IMPORT)
    (on_sqlite.remote / "students_1.csv.handled").rename(on_sqlite.remote / "students_1.csv")
    before = on_sqlite.store()
    again = on_sqlite.run(IMPORT)
    assert again.tasks["fetch_extracts"] == "skipped"
    assert on_sqlite.store() == before
    assert [path.name for path in on_sqlite.remote.iterdir()] == ["students_1.csv.handled"]


def test_an_empty_folder_skips_the_run(on_sqlite: Matchpoint) -> None:
    result = on_sqlite.run(SYNCHRONIZE)
    assert result.tasks.pop("check_connection") == "success"
    assert set(result.tasks.values()) == {"skipped"}


def test_an_unfinished_transfer_waits_for_the_next_run(on_sqlite: Matchpoint) -> None:
    on_sqlite.use_profile("students", ("pattern: students_*.csv", "pattern: students_*.csv\n    done_marker: .done"))
    for name in ("students_1.csv", "students_2.csv", "students_3.csv.part", ".students_4.csv"):
        (on_sqlite.remote / name).write_text(extract([student(int(name.lstrip(".")[9]))]))
    (on_sqlite.remote / "students_1.csv.done").touch()
    result = on_sqlite.run(IMPORT)
    assert [file["name"] for file in on_sqlite.receipt(result)["files"]] == ["students_1.csv"]
    left = {path.name for path in on_sqlite.remote.iterdir()}
    assert left >= {"students_1.csv.handled", "students_1.csv.done.handled", "students_2.csv"}


def test_one_unreadable_file_stops_the_run_before_anything_is_written(on_sqlite: Matchpoint) -> None:
    (on_sqlite.remote / "students_1.csv").write_text(extract([student(1)]))
    (on_sqlite.remote / "students_2.csv").write_bytes("STUDENT_ID\nMüller".encode("latin-1"))
    result = on_sqlite.run(IMPORT)
    assert result.state == "failed"
    assert result.tasks["transform_users[0]"] == "success"
    assert result.tasks["transform_users[1]"] == "failed"
    assert result.tasks["apply_plan"] == "upstream_failed"
    assert on_sqlite.store() == {"users": {}, "identifiers": [], "history": []}
    assert {path.name for path in on_sqlite.remote.iterdir()} == {"students_1.csv", "students_2.csv"}

    (on_sqlite.remote / "students_2.csv").write_text(extract([student(2)]))
    cleared = on_sqlite.run(IMPORT, 1)
    assert on_sqlite.receipt(cleared)["total"] == counts(created=2)


def test_what_goes_between_tasks_are_paths_and_counts(on_sqlite: Matchpoint) -> None:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    (on_sqlite.remote / "students_1.csv").write_text(day_1())
    result = on_sqlite.run(IMPORT)
    with create_session() as session:
        rows = session.query(XComModel).filter_by(dag_id=IMPORT, run_id=result.run_id).all()
        said = " ".join(f"{one.key} {one.value}" for one in rows)
    assert "extracts/000_students_1.csv" in said
    for personal in ("Family1", "Given1", "example.edu", "C00001", "S00001", "net1"):
        assert personal not in said


def test_a_zip_that_was_cut_off_fails_the_run_before_anything_is_written(on_sqlite: Matchpoint) -> None:
    on_sqlite.use_profile("students", ("students_*.csv", "students_*"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("north.csv", extract([student(3)]))
    (on_sqlite.remote / "students_a.csv").write_text(extract([student(1)]))
    (on_sqlite.remote / "students_b.zip").write_bytes(packed.getvalue()[:-30])
    result = on_sqlite.run(IMPORT)
    assert result.tasks["fetch_extracts"] == "failed"
    assert on_sqlite.store() == {"users": {}, "identifiers": [], "history": []}
    assert {path.name for path in on_sqlite.remote.iterdir()} == {"students_a.csv", "students_b.zip"}
