"""Leavers in a whole DAG: what the fetch noted decides whether a run counts them."""

from __future__ import annotations

from extracts import extract, student
from harness import Matchpoint

SYNCHRONIZE = "sis_synchronize__students"
POLICY = "leavers: {policy: expire, after_feeds: 1, grace_days: 30}\n    done_marker: .done"


def deliver(institution: Matchpoint, name: str, *numbers: int) -> None:
    (institution.remote / name).write_text(extract([student(number) for number in numbers]))
    (institution.remote / f"{name}.done").touch()


def test_a_named_or_unfinished_file_counts_nobody_and_a_full_feed_does(on_sqlite: Matchpoint) -> None:
    on_sqlite.use_profile("students", ("    empty_special: keep", f"    empty_special: keep\n    {POLICY}"))
    deliver(on_sqlite, "students_1.csv", 1, 2, 3)
    on_sqlite.run(SYNCHRONIZE)

    deliver(on_sqlite, "students_2.csv", 1)
    named = on_sqlite.receipt(on_sqlite.run(SYNCHRONIZE, only_file="students_2.csv"))
    assert named["leavers"]["not_counted"] == "only_file"
    assert named["leavers"]["counts"]["expired"] == 0

    deliver(on_sqlite, "students_3.csv", 1, 2)
    (on_sqlite.remote / "students_4.csv").write_text(extract([student(3)]))
    half = on_sqlite.receipt(on_sqlite.run(SYNCHRONIZE))
    assert half["leavers"]["not_counted"] == "waiting"

    (on_sqlite.remote / "students_4.csv").unlink()
    deliver(on_sqlite, "students_5.csv", 1, 2)
    full = on_sqlite.run(SYNCHRONIZE)
    receipt = on_sqlite.receipt(full)
    assert receipt["leavers"]["not_counted"] is None
    assert receipt["leavers"]["counts"]["expired"] == 1
    assert on_sqlite.store()["users"]["s00003"][1]["expiry_date"] == "2026-10-01"
    assert "s00003" not in on_sqlite.run_folder(full).root.joinpath("report.html").read_text()
    after = on_sqlite.store()
    cleared = on_sqlite.run(SYNCHRONIZE, 4)
    assert on_sqlite.receipt(cleared)["leavers"] == receipt["leavers"]
    assert on_sqlite.store() == after
