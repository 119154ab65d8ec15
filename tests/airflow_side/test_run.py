"""What a DAG run is to Matchpoint."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from matchpoint.profile import Profile, load_profile
from matchpoint_airflow.run import Run, run_folder

PROFILES = Path(__file__).parents[2] / "include" / "profiles"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATCHPOINT_RUNS", tmp_path.as_uri())
    return tmp_path


def in_zone(zone: str) -> Profile:
    return load_profile(PROFILES / "students.yaml").model_copy(update={"timezone": zone})


def a_run(**params: Any) -> Run:
    due = datetime(2026, 8, 25, 4, tzinfo=UTC)
    return Run.of({"dag_run": SimpleNamespace(dag_id="d", run_id="r", run_after=due), "params": params})


def test_the_as_of_date_is_the_day_where_the_profiles_clocks_stand(runs: Path) -> None:
    assert a_run().as_of(in_zone("UTC")) == date(2026, 8, 25)
    assert a_run().as_of(in_zone("America/Los_Angeles")) == date(2026, 8, 24)


def test_the_param_decides_the_as_of_date(runs: Path) -> None:
    assert a_run(as_of="2026-09-01").as_of(in_zone("America/Los_Angeles")) == date(2026, 9, 1)


@pytest.mark.parametrize("dag_id, run_id", [("..", ".."), ("a/../..", "b"), ("a", "../b"), ("a", "/etc"), (".", "x")])
def test_a_run_folder_stays_below_the_runs(runs: Path, dag_id: str, run_id: str) -> None:
    folder = Path(run_folder(dag_id, run_id).root.path).resolve()
    assert folder.is_relative_to(runs)
    assert len(folder.relative_to(runs).parts) == 2


def test_different_runs_have_different_folders(runs: Path) -> None:
    names = ["manual__1+00:00", "manual__1 00:00", "manual__1_00_00", "manual__1+00_00"]
    assert len({str(run_folder("d", name).root) for name in names}) == len(names)
