"""The retention clock: what of a run goes when, what stays, and that a kill in the middle changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath
from helpers import House, make_profile, open_house, person
from hypothesis import given
from hypothesis import strategies as st

from matchpoint.profile.privacy import Retention
from matchpoint.report import render_html, render_json, render_markdown
from matchpoint.retention import KEPT, Purged, purge_folders, purge_plans, purged_at
from matchpoint.run_folder import RunFolder

RULE = Retention(extracts_days=90, run_days=365)
MADE = datetime(2026, 9, 1, 5, tzinfo=UTC)
PERSONAL = [
    "extracts/000_students.csv", "users/000.parquet", "plan.parquet", "refresh.parquet", "findings/000.jsonl",
    "rejections/students.rejected.csv", "rejections/receipt.json", "something/new.bin", "one_time_passwords.csv",
]  # fmt: skip


def nobody(_run_id: str) -> bool:
    return False


@pytest.fixture(params=["disk", "object store"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """The place of run folders."""
    if request.param == "disk":
        return ObjectStoragePath((tmp_path / "runs").as_uri())
    return ObjectStoragePath(f"{request.getfixturevalue('bucket')}/runs")


def a_run(root: Any, name: str = "sis_import__students/run", made: datetime = MADE) -> RunFolder:
    """Lay down a run that was over at a time, by what it says of itself."""
    dag_id, run_id = name.split("/")
    root.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(root / dag_id / run_id)
    for file in (*KEPT - {"purged.json"}, *PERSONAL):
        folder.path(*file.split("/")).write_text("x")
    told = {"run_id": name, "profile": "students"}
    folder.write_json("plan.json", {**told, "planned_at": made.isoformat()})
    folder.write_json("receipt.json", {**told, "finished_at": made.isoformat()})
    return folder


def names(folder: RunFolder) -> set[str]:
    files = [one for one in folder.root.rglob("*") if one.is_file()] if folder.root.exists() else []
    return {str(one).removeprefix(f"{folder.root}/") for one in files}


def purge(root: Any, now: datetime, **how: Any) -> Purged:
    return purge_folders(root, lambda _profile: RULE, now=now, **{"is_open": nobody, **how})


def in_days(days: float) -> datetime:
    """Give a time so many days after the files of this test were written, which is now."""
    return datetime.now(UTC) + timedelta(days=days)


def test_people_s_data_go_first_and_the_rest_later(root: Any) -> None:
    folder = a_run(root)
    assert purge(root, in_days(89)) == Purged()
    first = purge(root, in_days(91))
    assert (first.emptied, first.deleted, first.files) == (1, 0, len(PERSONAL))
    assert names(folder) == set(KEPT)
    assert purged_at(folder) is not None
    assert purge(root, in_days(92)) == Purged(), "done again, nothing is left to do"
    assert purge(root, in_days(364)) == Purged()
    last = purge(root, in_days(366))
    assert (last.emptied, last.deleted) == (0, 1)
    assert not folder.root.exists()
    assert purge(root, in_days(400)) == Purged()


def test_a_dry_run_says_the_same_and_touches_nothing(root: Any) -> None:
    folder = a_run(root)
    before = names(folder)
    said = purge(root, in_days(91), dry_run=True)
    assert names(folder) == before
    assert said == purge(root, in_days(91))


def test_a_run_that_is_not_over_stays(root: Any) -> None:
    waiting, over = a_run(root, "sis_import__students/waits"), a_run(root, "sis_import__students/over")
    before = names(waiting)
    done = purge(root, in_days(500), is_open="sis_import__students/waits".__eq__)
    assert (done.deleted, done.waiting) == (1, 1)
    assert names(waiting) == before
    assert not over.root.exists()


def test_a_run_without_plan_counts_from_its_files(root: Any) -> None:
    folder = RunFolder(root / "sis_import__students" / "failed")
    root.mkdir(parents=True, exist_ok=True)
    folder.path("extracts", "000_students.csv").write_text("x")
    assert purge(root, in_days(89)) == Purged()
    assert purge(root, in_days(91)).emptied == 1
    assert names(folder) == {"purged.json"}
    assert purge(root, in_days(300)) == Purged(), "the note does not set the clock back"
    assert purge(root, in_days(366)).deleted == 1


def test_a_run_that_was_cleared_counts_from_then(tmp_path: Path) -> None:
    folder = a_run(tmp_path, made=in_days(-200))
    assert purge(tmp_path, in_days(0)) == Purged(), "its files were written now, whatever it says of itself"
    long_ago = in_days(-200).timestamp()
    for path in folder.root.rglob("*"):
        os.utime(path, (long_ago, long_ago))
    assert purge(tmp_path, in_days(0), dry_run=True).emptied == 1
    folder.path("extracts", "000_students.csv").write_text("fetched again")
    assert purge(tmp_path, in_days(0)) == Purged()


def test_each_profile_has_its_own_clock_and_one_that_is_not_known_is_left_alone(tmp_path: Path) -> None:
    clocks = {"students": None, "staff": Retention(extracts_days=1, run_days=1), "": RULE}
    for dag_id in ("sis_import__staff", "users_purge", "sis_synchronize__students"):
        RunFolder(tmp_path / dag_id / "run").path("rejections", "left.csv").write_text("x")
    done = purge_folders(tmp_path, clocks.__getitem__, now=in_days(91), is_open=nobody)
    assert (done.deleted, done.emptied) == (1, 1)
    assert [path.name for path in sorted(tmp_path.iterdir()) if any(path.rglob("*.csv"))] == [
        "sis_synchronize__students"
    ]


def test_a_kill_in_the_middle_is_made_good(tmp_path: Path) -> None:
    broken, whole = a_run(tmp_path, "sis_import__students/broken"), a_run(tmp_path, "sis_import__students/whole")
    broken.write_json("purged.json", {"at": in_days(91).isoformat(), "last_used": in_days(0).isoformat(), "files": 9})
    for name in PERSONAL[:4]:
        broken.path(*name.split("/")).unlink()
    assert purge(tmp_path, in_days(91)).emptied == 2
    assert names(broken) == names(whole) == set(KEPT)


def test_nothing_below_the_root_is_nothing_to_do(tmp_path: Path) -> None:
    assert purge(tmp_path / "none", in_days(1)) == Purged()
    (tmp_path / "stray.txt").write_text("x")
    assert purge(tmp_path, in_days(1_000)) == Purged()


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 800))
def test_never_younger_than_the_clock_says(extracts_days: int, more: int, age: int) -> None:
    from tempfile import TemporaryDirectory

    rule = Retention(extracts_days=extracts_days, run_days=extracts_days + more)
    with TemporaryDirectory() as home:
        folder = RunFolder(Path(home) / "sis_import__students" / "run")
        folder.write_json("receipt.json", {"finished_at": in_days(0).isoformat()})
        folder.path("plan.parquet").write_text("x")
        done = purge_folders(Path(home), lambda _: rule, now=in_days(age + 0.01), is_open=nobody)
        assert (done.emptied, done.deleted) == (
            (0, 1) if age >= rule.run_days else (1, 0) if age >= rule.extracts_days else (0, 0)
        )


# --- the store ------------------------------------------------------------------------------------


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, make_profile()) as opened:
        yield opened


def test_planned_rows_go_and_the_runs_stay(house: House) -> None:
    house.run("old", [person(1), person(2, BORN="never")])
    house.run("waits", [person(1, LAST="Married"), person(2, BORN="never")])
    planned = house.rows("plan_rows")
    assert {row["run_id"] for row in planned} == {"old", "waits"}
    now = house.now() + timedelta(days=91)
    how: dict[str, Any] = {"is_open": "waits".__eq__, "now": now}
    assert purge_plans(house.engine, lambda _: RULE, **how | {"now": house.now() + timedelta(days=89)}) == 0
    assert purge_plans(house.engine, lambda _: RULE, **how, dry_run=True) == 1
    assert house.rows("plan_rows") == planned
    assert purge_plans(house.engine, lambda _: None, **how) == 0
    assert purge_plans(house.engine, lambda _: RULE, **how) == 1
    assert {row["run_id"] for row in house.rows("plan_rows")} == {"waits"}
    assert [row["run_id"] for row in house.rows("runs")] == ["old", "waits"]
    assert purge_plans(house.engine, lambda _: RULE, **how) == 0


def test_what_stays_of_a_real_run_names_nobody(house: House) -> None:
    rows = [person(1), person(2, BORN="never"), person(3, CARD="Card1")]
    receipt = house.run("run", rows)
    folder = house.folder("run")
    for name, render in (("receipt.json", render_json), ("report.html", render_html), ("report.md", render_markdown)):
        folder.path(name).write_text(render(receipt))
    held = [value for row in rows for value in row.values() if value != "UG"]
    assert any("Lastname2" in one.read_text(errors="replace") for one in folder.root.rglob("*") if one.is_file())
    assert purge(house.root, in_days(91)).emptied == 1
    assert names(folder) == set(KEPT) - {"asked_by.json", "fetched.json", "guard.json", "health.json", "plan.html"}
    for path in folder.root.iterdir():
        assert not [value for value in held if value in path.read_text()], path.name
